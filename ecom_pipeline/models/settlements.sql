/* ---
grain: an order with what was paid for it, or a payment that belongs to no one order
description: What an order's lines come to against what processors took for it, less what they gave back, in the reporting currency, and why the two differ. A payment belongs to the one order that bears its number; one whose number no order bears, or several do, stands by itself on its own day.
key: [shop, order_id, currency, provider, payment_id]
touches:
  mapped.orders: {through: order_day, naming: {order_reference: order_reference}}
  mapped.sale_lines: {column: order_day}
  model.payments: {column: order_day, naming: {order_reference: order_reference}}
--- */
WITH agreed AS (
    SELECT l.order_day AS day, l.shop AS shop, l.order_id AS order_id, l.currency AS currency,
        SUM(l.gross - l.discount + l.tax) AS amount
    FROM mapped.sale_lines AS l
    JOIN run.days AS d ON d.day = l.order_day
    GROUP BY l.order_day, l.shop, l.order_id, l.currency
), owed AS (
    SELECT o.day AS day, o.shop AS shop, o.order_id AS order_id, o.order_reference AS order_reference,
        a.currency AS currency, a.amount AS amount,
        COALESCE(o.is_test, FALSE) AS is_test, COALESCE(o.is_voided, FALSE) AS is_voided
    FROM agreed AS a
    JOIN mapped.orders AS o ON o.day = a.day AND o.shop = a.shop AND o.order_id = a.order_id
), moved AS (
    SELECT p.day AS day, p.provider AS provider, p.payment_id AS payment_id, p.order_reference AS order_reference,
        p.net + p.fees AS amount
    FROM model.payments AS p
    JOIN run.days AS d ON d.day = p.day
    WHERE p.type IN ('charge', 'refund')
), told AS (
    SELECT w.order_reference AS order_reference FROM owed AS w
    UNION SELECT m.order_reference AS order_reference FROM moved AS m
), bearing AS (
    SELECT o.day AS day, o.shop AS shop, o.order_id AS order_id, o.order_reference AS order_reference
    FROM mapped.orders AS o
    WHERE o.order_reference IN (SELECT t.order_reference FROM told AS t)
), borne AS (
    SELECT b.order_reference AS order_reference, COUNT(*) AS orders
    FROM bearing AS b
    WHERE EXISTS (
        SELECT 1 FROM mapped.sale_lines AS l
        WHERE l.order_day = b.day AND l.shop = b.shop AND l.order_id = b.order_id
    )
    GROUP BY b.order_reference
), paid AS (
    SELECT p.order_reference AS order_reference, MIN(p.provider) AS provider, SUM(p.net + p.fees) AS amount
    FROM model.payments AS p
    WHERE p.type IN ('charge', 'refund') AND p.order_reference IN (SELECT w.order_reference FROM owed AS w)
    GROUP BY p.order_reference
), compared AS (
    SELECT
        w.day AS day, w.shop AS shop, w.order_id AS order_id, w.currency AS currency,
        w.order_reference AS order_reference, COALESCE(p.provider, 'none') AS provider,
        CASE WHEN (w.is_test OR w.is_voided) AND p.order_reference IS NULL THEN 0
             WHEN w.currency = s.currency THEN w.amount
             ELSE TO_REPORTING(w.amount, f.rate, f.reporting_rate) END AS expected,
        COALESCE(p.amount, 0) AS found,
        p.order_reference IS NOT NULL AS is_paid, w.is_test AS is_test, w.is_voided AS is_voided
    FROM owed AS w
    CROSS JOIN config.shop AS s
    LEFT JOIN borne AS b ON b.order_reference = w.order_reference
    LEFT JOIN paid AS p ON p.order_reference = w.order_reference AND b.orders = 1
    LEFT JOIN model.fx_rates AS f ON f.day = w.day AND f.currency = w.currency
)
SELECT
    c.day AS day, c.shop AS shop, c.order_id AS order_id, c.currency AS currency,
    c.order_reference AS order_reference, c.provider AS provider, '' AS payment_id,
    CASE
        WHEN c.is_test AND NOT c.is_paid THEN 'matched: a test order, nothing to pay'
        WHEN c.is_voided AND NOT c.is_paid THEN 'matched: given up before payment'
        WHEN c.expected = c.found THEN 'matched'
        WHEN c.currency <> s.currency AND c.is_paid THEN 'paid in another currency: the processor''s own rate'
        WHEN NOT c.is_paid AND c.expected > 0 THEN 'not paid through a known processor'
        WHEN c.found < c.expected THEN 'paid in part: gift card or another means of payment'
        ELSE 'paid more than agreed'
    END AS reason,
    CAST(c.expected AS DECIMAL(18, 2)) AS expected, CAST(c.found AS DECIMAL(18, 2)) AS found
FROM compared AS c
CROSS JOIN config.shop AS s
UNION ALL
SELECT
    m.day AS day, '' AS shop, '' AS order_id, s.currency AS currency,
    m.order_reference AS order_reference, m.provider AS provider, m.payment_id AS payment_id,
    CASE WHEN b.orders > 1 THEN 'a payment whose number orders of several shops bear'
        ELSE 'a payment without an order' END AS reason,
    CAST(0 AS DECIMAL(18, 2)) AS expected, CAST(m.amount AS DECIMAL(18, 2)) AS found
FROM moved AS m
CROSS JOIN config.shop AS s
LEFT JOIN borne AS b ON b.order_reference = m.order_reference
WHERE COALESCE(b.orders, 0) <> 1
