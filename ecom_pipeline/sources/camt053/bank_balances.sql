/* ---
description: The booked balance with which a statement closes, on the statement's last day.
--- */
SELECT
  b._record AS _record,
  INSTANCE_NAME() AS bank,
  b.account_id AS account_id,
  b.account AS account,
  b.day AS day,
  b.observed_at AS observed_at,
  CAST(b.balance AS DECIMAL(18, 2)) AS balance,
  b.currency AS currency
FROM source.balances AS b
