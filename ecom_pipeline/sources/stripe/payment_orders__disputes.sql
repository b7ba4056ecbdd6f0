/* ---
description: >
  Which charge a dispute concerns, and which order as far as its own metadata or those of the charge tell.
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS provider,
  c.id AS source_id,
  c.day AS day,
  c.order_reference AS order_reference,
  c.charge_id AS charge_id
FROM source.disputes AS c
