/* ---
description: >
  One movement of the Stripe balance, in the settlement currency, signed: what the shop owes is negative.
  Disputes are adjustments; Stripe's own bills (and the tax on them) are fees, their amount being the fee itself.
--- */
SELECT
  b._record AS _record,
  INSTANCE_NAME() AS provider,
  b.id AS payment_id,
  b.day AS day,
  b.created_at AS created_at,
  b.available_at AS available_at,
  CASE
    WHEN b.type IN ('charge', 'payment') THEN 'charge'
    WHEN b.type IN ('refund', 'payment_refund', 'refund_failure', 'payment_failure_refund', 'payment_reversal')
      THEN 'refund'
    WHEN b.type IN ('payout', 'payout_failure', 'payout_cancel') THEN 'payout'
    WHEN b.type = 'adjustment' THEN 'adjustment'
    WHEN b.type IN ('stripe_fee', 'stripe_fx_fee', 'tax_fee') THEN 'fee'
    ELSE 'other'
  END AS type,
  CAST(b.amount AS DECIMAL(18, 2)) AS amount,
  CAST(b.fee AS DECIMAL(18, 2)) AS fee,
  CAST(b.net AS DECIMAL(18, 2)) AS net,
  b.currency AS currency,
  b.source_id AS source_id
FROM source.balance_transactions AS b
