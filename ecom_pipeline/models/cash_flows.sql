/* ---
grain: a booked movement of a bank account
description: Money in and out in the reporting currency. A transfer between two of the shop's own accounts (same amount, opposite sign, same category, a day apart at most) is marked and counts as no flow.
key: [bank, transaction_id]
touches:
  mapped.bank_transactions: {forward: 1, backward: 1}
--- */
SELECT
    b.day AS day, b.bank AS bank, b.transaction_id AS transaction_id, b.account_id AS account_id,
    COALESCE(b.category, 'unknown') AS category,
    CASE WHEN b.currency = s.currency THEN b.amount ELSE TO_REPORTING(b.amount, f.rate, f.reporting_rate) END AS amount,
    EXISTS (
        SELECT 1 FROM mapped.bank_transactions AS o
        WHERE o.amount = -b.amount AND o.currency = b.currency AND o.category = b.category
            AND NOT (o.bank = b.bank AND o.account_id = b.account_id)
            AND o.day >= CAST(b.day - INTERVAL '1' DAY AS DATE) AND o.day <= CAST(b.day + INTERVAL '1' DAY AS DATE)
    ) AS is_own_transfer
FROM mapped.bank_transactions AS b
JOIN run.days AS d ON d.day = b.day
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = b.day AND f.currency = b.currency
