/* ---
grain: the customers of a month, in total and by first channel, country and product, some months later
description: Of those who first bought in a month (its first day is the row's), how many bought again in the month that many months later, and what they had contributed before marketing up to its end, with what acquiring them cost. Only months that are over are told, so the newest customers have few.
key: [day, dimension, segment, months_later]
scope: all
days: of_months_over
--- */
WITH newcomers AS (
    SELECT o.customer AS customer, o.shop AS shop, o.order_id AS order_id, o.first_channel AS channel,
        o.first_country AS country, CAST(DATE_TRUNC('month', o.day) AS DATE) AS month
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.is_new
), members AS (
    SELECT n.customer AS customer, n.month AS month, 'total' AS dimension, '' AS segment FROM newcomers AS n
    UNION ALL
    SELECT n.customer AS customer, n.month AS month, 'channel' AS dimension, n.channel AS segment FROM newcomers AS n
    UNION ALL
    SELECT n.customer AS customer, n.month AS month, 'country' AS dimension, n.country AS segment FROM newcomers AS n
    UNION ALL
    SELECT DISTINCT n.customer AS customer, n.month AS month, 'product' AS dimension, l.product AS segment
    FROM newcomers AS n
    JOIN model.sale_lines AS l ON l.shop = n.shop AND l.order_id = n.order_id AND l.kind = 'product' AND l.units > 0
    JOIN (SELECT MAX(d.day) AS day FROM run.days AS d) AS newest ON l.day <= newest.day
), earned AS (
    SELECT x.customer AS customer, CAST(DATE_TRUNC('month', x.day) AS DATE) AS month, SUM(x.amount) AS amount
    FROM (
        SELECT l.customer AS customer, l.day AS day,
            CAST(l.gross - l.discounts - l.returns + l.shipping_income - l.cost AS DECIMAL(18, 4)) AS amount
        FROM model.sale_lines AS l
        WHERE l.customer IS NOT NULL
        UNION ALL
        SELECT g.customer AS customer, g.day AS day, CAST(-g.cost AS DECIMAL(18, 4)) AS amount
        FROM model.logistics AS g
        WHERE g.customer IS NOT NULL
        UNION ALL
        SELECT p.customer AS customer, p.day AS day, CAST(-p.fees AS DECIMAL(18, 4)) AS amount
        FROM model.payments AS p
        WHERE p.customer IS NOT NULL
    ) AS x
    GROUP BY x.customer, CAST(DATE_TRUNC('month', x.day) AS DATE)
), bought AS (
    SELECT DISTINCT o.customer AS customer, CAST(DATE_TRUNC('month', o.day) AS DATE) AS month
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total'
), over AS (
    SELECT DISTINCT CAST(DATE_TRUNC('month', d.day) AS DATE) AS month
    FROM run.days AS d
    JOIN (SELECT MAX(e.day) AS day FROM run.days AS e) AS newest
        ON CAST(DATE_TRUNC('month', d.day) + INTERVAL '1' MONTH AS DATE) <= CAST(newest.day + INTERVAL '1' DAY AS DATE)
), sizes AS (
    SELECT m.month AS month, m.dimension AS dimension, m.segment AS segment, COUNT(*) AS customers
    FROM members AS m
    GROUP BY m.month, m.dimension, m.segment
), cells AS (
    SELECT s.month AS month, s.dimension AS dimension, s.segment AS segment, s.customers AS customers,
        v.month AS later, DATEDIFF('month', s.month, v.month) AS months_later
    FROM sizes AS s
    JOIN over AS v ON v.month >= s.month
), returned AS (
    SELECT m.month AS month, m.dimension AS dimension, m.segment AS segment, b.month AS later, COUNT(*) AS customers
    FROM members AS m
    JOIN bought AS b ON b.customer = m.customer
    GROUP BY m.month, m.dimension, m.segment, b.month
), contributed AS (
    SELECT m.month AS month, m.dimension AS dimension, m.segment AS segment, e.month AS later, SUM(e.amount) AS amount
    FROM members AS m
    JOIN earned AS e ON e.customer = m.customer AND e.month >= m.month
    GROUP BY m.month, m.dimension, m.segment, e.month
), spent AS (
    SELECT CAST(DATE_TRUNC('month', c.day) AS DATE) AS month, x.dimension AS dimension,
        CASE x.dimension WHEN 'channel' THEN c.channel ELSE '' END AS segment, SUM(c.cost) AS cost
    FROM model.marketing_costs AS c
    CROSS JOIN (SELECT 'total' AS dimension UNION ALL SELECT 'channel' AS dimension) AS x
    GROUP BY CAST(DATE_TRUNC('month', c.day) AS DATE), x.dimension,
        CASE x.dimension WHEN 'channel' THEN c.channel ELSE '' END
)
SELECT
    c.month AS day, c.dimension AS dimension, c.segment AS segment, CAST(c.months_later AS BIGINT) AS months_later,
    CAST(c.customers AS BIGINT) AS customers,
    CAST(COALESCE(r.customers, 0) AS BIGINT) AS active_customers,
    CAST(
        SUM(COALESCE(k.amount, 0)) OVER (PARTITION BY c.month, c.dimension, c.segment ORDER BY c.months_later)
        AS DECIMAL(28, 4)
    ) AS contribution,
    CAST(CASE WHEN c.dimension IN ('total', 'channel') THEN COALESCE(p.cost, 0) END AS DECIMAL(18, 4))
        AS acquisition_cost
FROM cells AS c
LEFT JOIN returned AS r
    ON r.month = c.month AND r.dimension = c.dimension AND r.segment = c.segment AND r.later = c.later
LEFT JOIN contributed AS k
    ON k.month = c.month AND k.dimension = c.dimension AND k.segment = c.segment AND k.later = c.later
LEFT JOIN spent AS p ON p.month = c.month AND p.dimension = c.dimension AND p.segment = c.segment
