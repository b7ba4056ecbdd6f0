/* ---
grain: one item of one stage between order and bank that does not simply match, or what simply matched on a day
description: Orders, payments, payouts and bank, stage by stage, in the reporting currency. At each stage what was expected less what was found is the sum of its lines, and each line has a reason and, where it concerns one item, its reference and the day its age counts from, to the day of the bank's credit or else to today. A reason beginning with "matched" is no difference; what processors took in and did not pay out is their balance.
key: [day, stage, reason, provider, reference]
--- */
WITH orders_stage AS (
    SELECT
        x.day AS day, 'orders to payments' AS stage, x.reason AS reason, x.provider AS provider,
        CASE WHEN x.payment_id = '' THEN x.order_reference ELSE x.payment_id END AS reference,
        x.expected AS expected, x.found AS found
    FROM model.settlements AS x
    JOIN run.days AS d ON d.day = x.day
), payments_stage AS (
    SELECT
        p.day AS day, 'payments to payouts' AS stage,
        CASE p.type WHEN 'payout' THEN 'paid out'
            WHEN 'fee' THEN 'the processor''s own bill'
            WHEN 'adjustment' THEN 'a dispute'
            WHEN 'other' THEN 'another movement of the processor'
            ELSE 'taken in, less fees and refunds' END AS reason,
        p.provider AS provider, CASE WHEN p.type = 'adjustment' THEN p.source_id ELSE '' END AS reference,
        CASE WHEN p.type = 'payout' THEN 0 ELSE p.net END AS expected,
        CASE WHEN p.type = 'payout' THEN -p.net ELSE 0 END AS found
    FROM model.payments AS p
    JOIN run.days AS d ON d.day = p.day
), bank_stage AS (
    SELECT
        p.day AS day, 'payouts to bank' AS stage,
        CASE
            WHEN p.credited_day IS NULL THEN 'not at the bank'
            WHEN p.credited_day <= CAST(p.arrival_day + INTERVAL '4' DAY AS DATE) THEN 'matched'
            ELSE 'matched: late'
        END AS reason,
        p.provider AS provider, p.payout_id AS reference, p.amount AS expected,
        CASE WHEN p.credited_day IS NULL THEN 0 ELSE p.amount END AS found,
        p.arrival_day AS since_day, p.credited_day AS settled_day
    FROM model.payouts AS p
    JOIN run.days AS d ON d.day = p.day
), items AS (
    SELECT o.day AS day, o.stage AS stage, o.reason AS reason, o.provider AS provider, o.reference AS reference,
        o.expected AS expected, o.found AS found, o.day AS since_day, CAST(NULL AS DATE) AS settled_day
    FROM orders_stage AS o
    UNION ALL
    SELECT y.day AS day, y.stage AS stage, y.reason AS reason, y.provider AS provider, y.reference AS reference,
        y.expected AS expected, y.found AS found, y.day AS since_day, CAST(NULL AS DATE) AS settled_day
    FROM payments_stage AS y
    UNION ALL
    SELECT b.day AS day, b.stage AS stage, b.reason AS reason, b.provider AS provider, b.reference AS reference,
        b.expected AS expected, b.found AS found, b.since_day AS since_day, b.settled_day AS settled_day
    FROM bank_stage AS b
), named AS (
    SELECT i.*, CASE WHEN i.reason LIKE 'matched%' AND i.reason <> 'matched: late' THEN '' ELSE i.reference END AS item
    FROM items AS i
)
SELECT
    i.day AS day, i.stage AS stage, i.reason AS reason, i.provider AS provider, i.item AS reference,
    CAST(SUM(i.expected) AS DECIMAL(18, 2)) AS expected, CAST(SUM(i.found) AS DECIMAL(18, 2)) AS found,
    CAST(SUM(i.expected - i.found) AS DECIMAL(18, 2)) AS difference, COUNT(*) AS items,
    CASE WHEN i.item = '' THEN NULL ELSE MIN(i.since_day) END AS since_day,
    CASE WHEN i.item = '' THEN NULL ELSE MAX(i.settled_day) END AS settled_day
FROM named AS i
GROUP BY i.day, i.stage, i.reason, i.provider, i.item
