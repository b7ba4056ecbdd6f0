/* ---
grain: one item of one stage between order and bank that does not simply match, or what simply matched on a day
description: Orders, payments, payouts and bank, stage by stage, in the reporting currency. At each stage what was expected less what was found is the sum of its lines, and each line has a reason and, where it concerns one item, its reference and its age in days, up to the bank's credit or else the newest day. A reason beginning with "matched" is no difference; what processors took in and did not pay out is their balance.
key: [day, stage, reason, provider, reference]
scope: all
--- */
WITH newest AS (
    SELECT MAX(d.day) AS day FROM run.days AS d
), agreed AS (
    SELECT l.shop AS shop, l.order_id AS order_id, l.currency AS currency,
        SUM(l.gross - l.discount + l.tax) AS amount
    FROM mapped.sale_lines AS l
    GROUP BY l.shop, l.order_id, l.currency
), owed AS (
    SELECT o.day AS day, o.order_reference AS order_reference, a.currency AS currency, a.amount AS amount,
        COALESCE(o.is_test, FALSE) AS is_test, COALESCE(o.is_voided, FALSE) AS is_voided
    FROM agreed AS a
    JOIN mapped.orders AS o ON o.shop = a.shop AND o.order_id = a.order_id
), shared AS (
    SELECT w.order_reference AS order_reference
    FROM owed AS w
    GROUP BY w.order_reference
    HAVING COUNT(*) > 1
), links AS (
    SELECT DISTINCT n.provider AS provider, n.source_id AS source_id,
        COALESCE(n.order_reference, c.order_reference) AS order_reference
    FROM mapped.payment_orders AS n
    LEFT JOIN mapped.payment_orders AS c ON c.provider = n.provider AND c.source_id = n.charge_id
), moved AS (
    SELECT p.day AS day, p.provider AS provider, p.payment_id AS payment_id, p.source_id AS source_id, p.type AS type,
        p.net AS net, p.net + p.fees AS amount, s.order_reference IS NOT NULL AS is_shared,
        CASE WHEN s.order_reference IS NULL THEN l.order_reference END AS order_reference
    FROM model.payments AS p
    LEFT JOIN links AS l ON l.provider = p.provider AND l.source_id = p.source_id
    LEFT JOIN shared AS s ON s.order_reference = l.order_reference
), paid AS (
    SELECT m.order_reference AS order_reference, MIN(m.provider) AS provider, SUM(m.amount) AS amount
    FROM moved AS m
    WHERE m.type IN ('charge', 'refund') AND m.order_reference IS NOT NULL
    GROUP BY m.order_reference
), compared AS (
    SELECT
        w.day AS day, COALESCE(p.provider, 'none') AS provider, w.order_reference AS reference,
        CASE WHEN (w.is_test OR w.is_voided) AND p.order_reference IS NULL THEN 0
             WHEN w.currency = s.currency THEN w.amount
             ELSE TO_REPORTING(w.amount, f.rate, t.rate) END AS expected,
        COALESCE(p.amount, 0) AS found,
        w.currency AS currency, p.order_reference IS NOT NULL AS is_paid, w.is_test AS is_test, w.is_voided AS is_voided
    FROM owed AS w
    CROSS JOIN config.shop AS s
    LEFT JOIN paid AS p ON p.order_reference = w.order_reference
    LEFT JOIN model.fx_rates AS f ON f.day = w.day AND f.currency = w.currency
    LEFT JOIN model.fx_rates AS t ON t.day = w.day AND t.currency = s.currency
), orders_stage AS (
    SELECT
        c.day AS day, 'orders to payments' AS stage,
        CASE
            WHEN c.is_test AND NOT c.is_paid THEN 'matched: a test order, nothing to pay'
            WHEN c.is_voided AND NOT c.is_paid THEN 'matched: given up before payment'
            WHEN c.expected = c.found THEN 'matched'
            WHEN c.currency <> s.currency AND c.is_paid THEN 'paid in another currency: the processor''s own rate'
            WHEN NOT c.is_paid AND c.expected > 0 THEN 'not paid through a known processor'
            WHEN c.found < c.expected THEN 'paid in part: gift card or another means of payment'
            ELSE 'paid more than agreed'
        END AS reason,
        c.provider AS provider, c.reference AS reference, c.expected AS expected, c.found AS found
    FROM compared AS c
    CROSS JOIN config.shop AS s
    UNION ALL
    SELECT m.day AS day, 'orders to payments' AS stage,
        CASE WHEN m.is_shared THEN 'a payment whose number orders of several shops bear'
            ELSE 'a payment without an order' END AS reason,
        m.provider AS provider, m.payment_id AS reference, 0 AS expected, m.amount AS found
    FROM moved AS m
    WHERE m.type IN ('charge', 'refund')
        AND NOT EXISTS (SELECT 1 FROM owed AS w WHERE w.order_reference = m.order_reference)
), payments_stage AS (
    SELECT m.day AS day, 'payments to payouts' AS stage,
        CASE m.type WHEN 'payout' THEN 'paid out'
            WHEN 'fee' THEN 'the processor''s own bill'
            WHEN 'adjustment' THEN 'a dispute'
            WHEN 'other' THEN 'another movement of the processor'
            ELSE 'taken in, less fees and refunds' END AS reason,
        m.provider AS provider, CASE WHEN m.type = 'adjustment' THEN m.source_id ELSE '' END AS reference,
        CASE WHEN m.type = 'payout' THEN 0 ELSE m.net END AS expected,
        CASE WHEN m.type = 'payout' THEN -m.net ELSE 0 END AS found
    FROM moved AS m
), bank_stage AS (
    SELECT p.day AS day, 'payouts to bank' AS stage,
        CASE
            WHEN p.credited_day IS NOT NULL AND p.credited_day <= CAST(p.arrival_day + INTERVAL '4' DAY AS DATE) THEN 'matched'
            WHEN p.credited_day IS NOT NULL THEN 'matched: late'
            WHEN CAST(p.arrival_day + INTERVAL '4' DAY AS DATE) >= n.day THEN 'on its way'
            ELSE 'missing at the bank'
        END AS reason,
        p.provider AS provider, p.payout_id AS reference, p.amount AS expected,
        CASE WHEN p.credited_day IS NULL THEN 0 ELSE p.amount END AS found,
        COALESCE(p.credited_day, n.day) - p.arrival_day AS age
    FROM model.payouts AS p
    CROSS JOIN newest AS n
), items AS (
    SELECT o.day AS day, o.stage AS stage, o.reason AS reason, o.provider AS provider, o.reference AS reference,
        o.expected AS expected, o.found AS found, n.day - o.day AS age
    FROM orders_stage AS o
    CROSS JOIN newest AS n
    UNION ALL
    SELECT y.day AS day, y.stage AS stage, y.reason AS reason, y.provider AS provider, y.reference AS reference,
        y.expected AS expected, y.found AS found, n.day - y.day AS age
    FROM payments_stage AS y
    CROSS JOIN newest AS n
    UNION ALL
    SELECT b.day AS day, b.stage AS stage, b.reason AS reason, b.provider AS provider, b.reference AS reference,
        b.expected AS expected, b.found AS found, b.age AS age
    FROM bank_stage AS b
), named AS (
    SELECT i.*, CASE WHEN i.reason LIKE 'matched%' AND i.reason <> 'matched: late' THEN '' ELSE i.reference END AS item
    FROM items AS i
)
SELECT
    i.day AS day, i.stage AS stage, i.reason AS reason, i.provider AS provider, i.item AS reference,
    CAST(SUM(i.expected) AS DECIMAL(18, 2)) AS expected, CAST(SUM(i.found) AS DECIMAL(18, 2)) AS found,
    CAST(SUM(i.expected - i.found) AS DECIMAL(18, 2)) AS difference, COUNT(*) AS items,
    CASE WHEN i.item = '' THEN NULL ELSE CAST(MAX(i.age) AS BIGINT) END AS age_days
FROM named AS i
WHERE i.day >= (SELECT h.history_start FROM config.shop AS h)
GROUP BY i.day, i.stage, i.reason, i.provider, i.item
