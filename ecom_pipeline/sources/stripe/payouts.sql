/* ---
description: One transfer from the Stripe balance to the bank, with the day on which it is expected there.
--- */
SELECT
  p._record AS _record,
  INSTANCE_NAME() AS provider,
  p.id AS payout_id,
  p.day AS day,
  p.arrival_day AS arrival_day,
  CAST(p.amount AS DECIMAL(18, 2)) AS amount,
  p.currency AS currency,
  p.status AS status
FROM source.payouts AS p
