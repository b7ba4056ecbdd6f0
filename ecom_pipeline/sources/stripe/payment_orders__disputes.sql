/* ---
description: "Which order a dispute is about: its own metadata tell it, else those of its charge."
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS provider,
  c.id AS source_id,
  c.day AS day,
  c.order_reference AS order_reference
FROM source.disputes AS c
WHERE c.order_reference IS NOT NULL
