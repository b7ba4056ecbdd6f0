/* ---
grain: a payout a processor announced
description: Payouts in the reporting currency with the bank credit that settled them; a credit matches by processor, amount and currency, from the day before the announced arrival to ten days after.
key: [provider, payout_id]
scope: all
--- */
WITH pairs AS (
    SELECT
        p.provider AS provider, p.payout_id AS payout_id, b.transaction_id AS transaction_id, b.day AS credited_day,
        ROW_NUMBER() OVER (PARTITION BY p.provider, p.payout_id ORDER BY b.day, b.transaction_id) AS credit_place,
        ROW_NUMBER() OVER (PARTITION BY b.bank, b.transaction_id ORDER BY p.arrival_day, p.payout_id) AS payout_place
    FROM mapped.payouts AS p
    JOIN ops.sources AS s ON s.source = p.provider
    JOIN mapped.bank_transactions AS b
        ON b.processor = s.vendor AND b.amount = p.amount AND b.currency = p.currency
        AND b.day >= CAST(p.arrival_day - INTERVAL '1' DAY AS DATE)
        AND b.day <= CAST(p.arrival_day + INTERVAL '10' DAY AS DATE)
)
SELECT
    p.day AS day, p.provider AS provider, p.payout_id AS payout_id, p.arrival_day AS arrival_day,
    CASE WHEN p.currency = c.currency THEN p.amount ELSE TO_REPORTING(p.amount, f.rate, t.rate) END AS amount,
    m.credited_day AS credited_day, p.status AS status
FROM mapped.payouts AS p
JOIN run.days AS d ON d.day = p.day
CROSS JOIN config.shop AS c
LEFT JOIN pairs AS m
    ON m.provider = p.provider AND m.payout_id = p.payout_id AND m.credit_place = 1 AND m.payout_place = 1
LEFT JOIN model.fx_rates AS f ON f.day = p.day AND f.currency = p.currency
LEFT JOIN model.fx_rates AS t ON t.day = p.day AND t.currency = c.currency
WHERE p.status NOT IN ('failed', 'canceled')
