/* ---
description: One completed movement of a bank account, on the day it was booked; what is pending or declined moved nothing.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS bank,
  t.bank_account_id AS account_id,
  t.id AS transaction_id,
  LOCAL_DAY(t.settled_at) AS day,
  t.settled_at AS settled_at,
  CAST(t.amount AS DECIMAL(18, 2)) AS amount,
  t.currency AS currency,
  t.category AS category,
  t.processor AS processor
FROM source.transactions AS t
WHERE t.status = 'completed' AND t.settled_at IS NOT NULL
