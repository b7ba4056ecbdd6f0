/* ---
description: Which order a payment is for, as the shop wrote it, and which payment a refund or dispute concerns.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS provider,
  t.transaction_id AS source_id,
  t.day AS day,
  t.order_reference AS order_reference,
  t.reference_id AS charge_id
FROM source.transactions AS t
WHERE t.order_reference IS NOT NULL OR t.reference_id IS NOT NULL
