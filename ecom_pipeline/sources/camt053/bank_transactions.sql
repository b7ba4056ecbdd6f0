/* ---
description: One booked movement of a bank account, on the day the bank booked it.
--- */
SELECT
  m._record AS _record,
  INSTANCE_NAME() AS bank,
  m.account_id AS account_id,
  m.movement_id AS transaction_id,
  m.day AS day,
  m.booked_at AS settled_at,
  CAST(m.amount AS DECIMAL(18, 2)) AS amount,
  m.currency AS currency,
  m.category AS category,
  m.processor AS processor
FROM source.movements AS m
