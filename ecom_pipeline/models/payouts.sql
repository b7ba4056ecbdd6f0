/* ---
grain: a payout a processor announced
description: Payouts in the reporting currency with the bank credit that settled them; a credit matches by processor, amount and currency, from the day before the announced arrival to ten days after. Where several of one amount could match, the nearest in days belong together, pair after pair in three rounds.
key: [provider, payout_id]
scope: all
--- */
WITH candidates AS (
    SELECT
        p.provider AS provider, p.payout_id AS payout_id, b.bank AS bank, b.transaction_id AS transaction_id,
        b.day AS credited_day,
        ROW_NUMBER() OVER (
            ORDER BY ABS(b.day - p.arrival_day), p.arrival_day, p.provider, p.payout_id, b.day, b.bank, b.transaction_id
        ) AS nearness
    FROM mapped.payouts AS p
    JOIN ops.sources AS s ON s.source = p.provider
    JOIN mapped.bank_transactions AS b
        ON b.processor = s.vendor AND b.amount = p.amount AND b.currency = p.currency
        AND b.day >= CAST(p.arrival_day - INTERVAL '1' DAY AS DATE)
        AND b.day <= CAST(p.arrival_day + INTERVAL '10' DAY AS DATE)
    WHERE p.status NOT IN ('failed', 'canceled')
), ranked_1 AS (
    SELECT
        c.*,
        MIN(c.nearness) OVER (PARTITION BY c.provider, c.payout_id) AS nearest_credit,
        MIN(c.nearness) OVER (PARTITION BY c.bank, c.transaction_id) AS nearest_payout
    FROM candidates AS c
), pairs_1 AS (
    SELECT r.provider AS provider, r.payout_id AS payout_id, r.bank AS bank, r.transaction_id AS transaction_id,
        r.credited_day AS credited_day
    FROM ranked_1 AS r
    WHERE r.nearness = r.nearest_credit AND r.nearness = r.nearest_payout
), left_1 AS (
    SELECT c.*
    FROM candidates AS c
    WHERE NOT EXISTS (SELECT 1 FROM pairs_1 AS m WHERE m.provider = c.provider AND m.payout_id = c.payout_id)
        AND NOT EXISTS (SELECT 1 FROM pairs_1 AS m WHERE m.bank = c.bank AND m.transaction_id = c.transaction_id)
), ranked_2 AS (
    SELECT
        c.*,
        MIN(c.nearness) OVER (PARTITION BY c.provider, c.payout_id) AS nearest_credit,
        MIN(c.nearness) OVER (PARTITION BY c.bank, c.transaction_id) AS nearest_payout
    FROM left_1 AS c
), pairs_2 AS (
    SELECT r.provider AS provider, r.payout_id AS payout_id, r.bank AS bank, r.transaction_id AS transaction_id,
        r.credited_day AS credited_day
    FROM ranked_2 AS r
    WHERE r.nearness = r.nearest_credit AND r.nearness = r.nearest_payout
), left_2 AS (
    SELECT c.*
    FROM left_1 AS c
    WHERE NOT EXISTS (SELECT 1 FROM pairs_2 AS m WHERE m.provider = c.provider AND m.payout_id = c.payout_id)
        AND NOT EXISTS (SELECT 1 FROM pairs_2 AS m WHERE m.bank = c.bank AND m.transaction_id = c.transaction_id)
), ranked_3 AS (
    SELECT
        c.*,
        MIN(c.nearness) OVER (PARTITION BY c.provider, c.payout_id) AS nearest_credit,
        MIN(c.nearness) OVER (PARTITION BY c.bank, c.transaction_id) AS nearest_payout
    FROM left_2 AS c
), pairs_3 AS (
    SELECT r.provider AS provider, r.payout_id AS payout_id, r.bank AS bank, r.transaction_id AS transaction_id,
        r.credited_day AS credited_day
    FROM ranked_3 AS r
    WHERE r.nearness = r.nearest_credit AND r.nearness = r.nearest_payout
), pairs AS (
    SELECT provider, payout_id, credited_day FROM pairs_1
    UNION ALL SELECT provider, payout_id, credited_day FROM pairs_2
    UNION ALL SELECT provider, payout_id, credited_day FROM pairs_3
)
SELECT
    p.day AS day, p.provider AS provider, p.payout_id AS payout_id, p.arrival_day AS arrival_day,
    CASE WHEN p.currency = c.currency THEN p.amount ELSE TO_REPORTING(p.amount, f.rate, f.reporting_rate) END AS amount,
    m.credited_day AS credited_day, p.status AS status
FROM mapped.payouts AS p
JOIN run.days AS d ON d.day = p.day
CROSS JOIN config.shop AS c
LEFT JOIN pairs AS m
    ON m.provider = p.provider AND m.payout_id = p.payout_id
LEFT JOIN model.fx_rates AS f ON f.day = p.day AND f.currency = p.currency
WHERE p.status NOT IN ('failed', 'canceled')
