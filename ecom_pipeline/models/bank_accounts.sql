/* ---
grain: a bank account at the end of a day
description: Booked closing balance of every account, in the reporting currency. The bank tells today's balance only; earlier ones follow from it by taking back what was booked since.
key: [bank, account_id, day]
scope: all
--- */
WITH movements AS (
    SELECT b.bank AS bank, b.account_id AS account_id, b.day AS day, SUM(b.amount) AS amount
    FROM mapped.bank_transactions AS b
    GROUP BY b.bank, b.account_id, b.day
), anchors AS (
    SELECT
        s.bank AS bank, s.account_id AS account_id, COALESCE(s.account, s.account_id) AS account,
        s.currency AS currency, s.day AS day,
        s.balance - COALESCE((
            SELECT SUM(b.amount) FROM mapped.bank_transactions AS b
            WHERE b.bank = s.bank AND b.account_id = s.account_id AND b.settled_at <= s.observed_at
        ), 0) AS opening
    FROM mapped.bank_balances AS s
), chosen AS (
    SELECT
        d.day AS day, a.bank AS bank, a.account_id AS account_id, a.account AS account, a.currency AS currency,
        a.opening AS opening,
        ROW_NUMBER() OVER (
            PARTITION BY d.day, a.bank, a.account_id
            ORDER BY CASE WHEN a.day >= d.day THEN 0 ELSE 1 END,
                     CASE WHEN a.day >= d.day THEN a.day END, a.day DESC
        ) AS place
    FROM run.days AS d
    CROSS JOIN anchors AS a
), closing AS (
    SELECT
        c.day AS day, c.bank AS bank, c.account_id AS account_id, c.account AS account, c.currency AS currency,
        CAST(c.opening + COALESCE(SUM(m.amount), 0) AS DECIMAL(18, 2)) AS balance
    FROM chosen AS c
    LEFT JOIN movements AS m ON m.bank = c.bank AND m.account_id = c.account_id AND m.day <= c.day
    WHERE c.place = 1
    GROUP BY c.day, c.bank, c.account_id, c.account, c.currency, c.opening
)
SELECT
    c.day AS day, c.bank AS bank, c.account_id AS account_id, c.account AS account,
    CASE WHEN c.currency = s.currency THEN c.balance ELSE TO_REPORTING(c.balance, f.rate, f.reporting_rate) END AS balance
FROM closing AS c
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = c.day AND f.currency = c.currency
