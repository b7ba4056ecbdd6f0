/* ---
description: One withdrawal to the bank, on the day it was asked for; PayPal announces no day of arrival.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS provider,
  t.transaction_id AS payout_id,
  t.day AS day,
  t.day AS arrival_day,
  CAST(-t.amount AS DECIMAL(18, 2)) AS amount,
  t.currency AS currency,
  'paid' AS status
FROM source.transactions AS t
WHERE t.status = 'S' AND t.event_code LIKE 'T04%' AND t.amount < 0
