/* ---
description: Which order a charge paid, as the shop wrote it into the charge's metadata.
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS provider,
  c.id AS source_id,
  c.day AS day,
  c.order_reference AS order_reference
FROM source.charges AS c
WHERE c.order_reference IS NOT NULL
