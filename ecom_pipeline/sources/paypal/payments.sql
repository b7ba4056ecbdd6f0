/* ---
description: One movement of the PayPal balance that went through, signed, by the kind its event code tells.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS provider,
  CONCAT(t.transaction_id, '/', t.event_code) AS payment_id,
  t.day AS day,
  t.initiated_at AS created_at,
  t.initiated_at AS available_at,
  CASE
    WHEN t.event_code LIKE 'T00%' THEN 'charge'
    WHEN t.event_code LIKE 'T01%' THEN 'fee'
    WHEN t.event_code LIKE 'T04%' THEN 'payout'
    WHEN t.event_code LIKE 'T11%' THEN 'refund'
    WHEN t.event_code LIKE 'T12%' THEN 'adjustment'
    ELSE 'other'
  END AS type,
  CAST(t.amount AS DECIMAL(18, 2)) AS amount,
  CAST(t.fee AS DECIMAL(18, 2)) AS fee,
  CAST(t.amount - t.fee AS DECIMAL(18, 2)) AS net,
  t.currency AS currency,
  t.transaction_id AS source_id
FROM source.transactions AS t
WHERE t.status = 'S'
