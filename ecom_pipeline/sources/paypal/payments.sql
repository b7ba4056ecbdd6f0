/* ---
description: >
  One movement of the PayPal balance that went through, signed, by the kind its event code tells. Reversals by PayPal,
  chargebacks and holds for a dispute are adjustments; what the shop pays others from its balance is other.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS provider,
  CONCAT(t.transaction_id, '/', t.event_code) AS payment_id,
  t.day AS day,
  t.initiated_at AS created_at,
  t.initiated_at AS available_at,
  CASE
    WHEN t.event_code LIKE 'T00%' AND t.amount > 0 THEN 'charge'
    WHEN t.event_code LIKE 'T01%' OR t.event_code IN ('T1108', 'T1109') THEN 'fee'
    WHEN t.event_code LIKE 'T04%' OR t.event_code = 'T1101' THEN 'payout'
    WHEN t.event_code IN ('T1107', 'T1113') THEN 'refund'
    WHEN t.event_code LIKE 'T12%' OR t.event_code IN ('T1106', 'T1110', 'T1111') THEN 'adjustment'
    ELSE 'other'
  END AS type,
  CAST(t.amount AS DECIMAL(18, 2)) AS amount,
  CAST(t.fee AS DECIMAL(18, 2)) AS fee,
  CAST(t.amount - t.fee AS DECIMAL(18, 2)) AS net,
  t.currency AS currency,
  t.transaction_id AS source_id
FROM source.transactions AS t
WHERE t.status = 'S'
