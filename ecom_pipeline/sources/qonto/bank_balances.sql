/* ---
description: The booked balance of one bank account as the bank told it, once a day.
--- */
SELECT
  b._record AS _record,
  INSTANCE_NAME() AS bank,
  b.account_id AS account_id,
  b.account AS account,
  b.snapshot_day AS day,
  b.observed_at AS observed_at,
  CAST(b.balance AS DECIMAL(18, 2)) AS balance,
  b.currency AS currency
FROM source.balances AS b
