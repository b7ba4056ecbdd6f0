/* ---
grain: one item of one stage between order and bank that does not simply match, or what simply matched on a day
description: Orders, payments, payouts and bank, stage by stage. At each stage what was expected less what was found is the sum of its lines, and each line has a reason and, where it concerns one item, its reference. A reason beginning with "matched" is no difference; what processors took in and did not pay out is their balance.
key: [day, stage, reason, provider, reference]
scope: all
--- */
WITH agreed AS (
    SELECT l.shop AS shop, l.order_id AS order_id, l.currency AS currency,
        SUM(l.gross - l.discount + l.tax) AS amount, MIN(l.day) AS day
    FROM mapped.sale_lines AS l
    GROUP BY l.shop, l.order_id, l.currency
), owed AS (
    SELECT o.day AS day, o.order_reference AS order_reference, a.currency AS currency, a.amount AS amount,
        COALESCE(o.is_test, FALSE) AS is_test, COALESCE(o.is_voided, FALSE) AS is_voided
    FROM agreed AS a
    JOIN mapped.orders AS o ON o.shop = a.shop AND o.order_id = a.order_id
), links AS (
    SELECT DISTINCT n.provider AS provider, n.source_id AS source_id,
        COALESCE(n.order_reference, c.order_reference) AS order_reference
    FROM mapped.payment_orders AS n
    LEFT JOIN mapped.payment_orders AS c ON c.provider = n.provider AND c.source_id = n.charge_id
), moved AS (
    SELECT p.day AS day, p.provider AS provider, p.payment_id AS payment_id, p.type AS type, p.currency AS currency,
        p.amount AS amount, p.fee AS fee, p.net AS net, p.created_at AS created_at, l.order_reference AS order_reference
    FROM mapped.payments AS p
    LEFT JOIN links AS l ON l.provider = p.provider AND l.source_id = p.source_id
), paid AS (
    SELECT m.order_reference AS order_reference, MIN(m.provider) AS provider, MIN(m.currency) AS currency,
        SUM(m.amount) AS amount
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
    SELECT m.day AS day, 'orders to payments' AS stage, 'a payment without an order' AS reason,
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
        m.provider AS provider, '' AS reference,
        SUM(CASE WHEN m.type = 'payout' THEN 0 ELSE m.net END) AS expected,
        SUM(CASE WHEN m.type = 'payout' THEN -m.net ELSE 0 END) AS found
    FROM moved AS m
    GROUP BY m.day, m.type, m.provider
), bank_stage AS (
    SELECT p.day AS day, 'payouts to bank' AS stage,
        CASE
            WHEN p.credited_day IS NOT NULL AND p.credited_day <= CAST(p.arrival_day + INTERVAL '4' DAY AS DATE) THEN 'matched'
            WHEN p.credited_day IS NOT NULL THEN 'matched: late'
            WHEN CAST(p.arrival_day + INTERVAL '4' DAY AS DATE) >= n.day THEN 'on its way'
            ELSE 'missing at the bank'
        END AS reason,
        p.provider AS provider, p.payout_id AS reference, p.amount AS expected,
        CASE WHEN p.credited_day IS NULL THEN 0 ELSE p.amount END AS found
    FROM model.payouts AS p
    CROSS JOIN (SELECT MAX(d.day) AS day FROM run.days AS d) AS n
), staged AS (
    SELECT o.day AS day, o.stage AS stage, o.reason AS reason, o.provider AS provider,
        CASE WHEN o.reason LIKE 'matched%' THEN '' ELSE o.reference END AS reference,
        SUM(o.expected) AS expected, SUM(o.found) AS found, COUNT(*) AS items
    FROM orders_stage AS o
    GROUP BY o.day, o.stage, o.reason, o.provider, CASE WHEN o.reason LIKE 'matched%' THEN '' ELSE o.reference END
    UNION ALL
    SELECT y.day AS day, y.stage AS stage, y.reason AS reason, y.provider AS provider, y.reference AS reference,
        SUM(y.expected) AS expected, SUM(y.found) AS found, COUNT(*) AS items
    FROM payments_stage AS y
    GROUP BY y.day, y.stage, y.reason, y.provider, y.reference
    UNION ALL
    SELECT b.day AS day, b.stage AS stage, b.reason AS reason, b.provider AS provider,
        CASE WHEN b.reason = 'matched' THEN '' ELSE b.reference END AS reference,
        SUM(b.expected) AS expected, SUM(b.found) AS found, COUNT(*) AS items
    FROM bank_stage AS b
    GROUP BY b.day, b.stage, b.reason, b.provider, CASE WHEN b.reason = 'matched' THEN '' ELSE b.reference END
)
SELECT
    s.day AS day, s.stage AS stage, s.reason AS reason, s.provider AS provider, s.reference AS reference,
    CAST(s.expected AS DECIMAL(18, 2)) AS expected, CAST(s.found AS DECIMAL(18, 2)) AS found,
    CAST(s.expected - s.found AS DECIMAL(18, 2)) AS difference, CAST(s.items AS BIGINT) AS items
FROM staged AS s
WHERE s.day >= (SELECT h.history_start FROM config.shop AS h)
