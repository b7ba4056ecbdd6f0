/* ---
grain: a day and the channel customers first came by, or all of them
description: What the customers of a day are expected to contribute before marketing in the 365 days after the Sunday before it, with an interval, and how well the same method foretold the half year before. Fitted anew for each week, on whole weeks since the first purchase; without a year of history or a hundred customers who came back there is no row.
key: [day, dimension, segment]
touches:
  model.customer_orders: {after: true}
  model.sale_lines: {after: true}
  model.contribution: {after: true}
computed_by: ecom_pipeline.insights.predicted_value:predict
--- */
WITH weeks AS (
    SELECT DISTINCT CAST(DATE_TRUNC('week', d.day + INTERVAL '1' DAY) - INTERVAL '1' DAY AS DATE) AS week
    FROM run.days AS d
), moments AS (
    SELECT w.week AS moment FROM weeks AS w
    UNION
    SELECT CAST(w.week - INTERVAL '182' DAY AS DATE) AS moment FROM weeks AS w
), customers AS (
    SELECT o.customer AS customer, o.day AS first_day, o.first_channel AS channel
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.is_new
), purchases AS (
    SELECT o.customer AS customer, o.day AS day, SUM(s.amount) AS amount
    FROM model.customer_orders AS o
    JOIN (
        SELECT l.shop AS shop, l.order_id AS order_id, SUM(l.gross - l.discounts) AS amount
        FROM model.sale_lines AS l
        GROUP BY l.shop, l.order_id
    ) AS s ON s.shop = o.shop AND s.order_id = o.order_id
    WHERE o.dimension = 'total'
    GROUP BY o.customer, o.day
), histories AS (
    SELECT m.moment AS moment, c.customer AS customer, c.channel AS channel, COUNT(*) - 1 AS frequency,
        MAX(p.day) - c.first_day - (MAX(p.day) - c.first_day) % 7 AS recency,
        m.moment - c.first_day - (m.moment - c.first_day) % 7 AS age,
        SUM(CASE WHEN p.day > c.first_day THEN p.amount ELSE 0 END) AS amount
    FROM moments AS m
    JOIN customers AS c ON c.first_day <= m.moment
    JOIN purchases AS p ON p.customer = c.customer AND p.day <= m.moment
    GROUP BY m.moment, c.customer, c.channel, c.first_day
)
SELECT
    h.moment AS moment, 'history' AS kind, h.channel AS channel, CAST(h.frequency AS BIGINT) AS frequency,
    CAST(h.recency AS BIGINT) AS recency, CAST(h.age AS BIGINT) AS age, CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(h.amount) AS DECIMAL(28, 4)) AS amount
FROM histories AS h
GROUP BY h.moment, h.channel, h.frequency, h.recency, h.age
UNION ALL
SELECT
    h.moment AS moment, 'spend' AS kind, '' AS channel, CAST(h.frequency AS BIGINT) AS frequency,
    CAST(0 AS BIGINT) AS recency, CAST(0 AS BIGINT) AS age, CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(h.amount AS DECIMAL(28, 4)) AS amount
FROM histories AS h
WHERE h.frequency > 0 AND h.amount > 0
GROUP BY h.moment, h.frequency, h.amount
UNION ALL
SELECT
    w.week AS moment, x.kind AS kind, '' AS channel, CAST(0 AS BIGINT) AS frequency, CAST(0 AS BIGINT) AS recency,
    CAST(0 AS BIGINT) AS age, CAST(0 AS BIGINT) AS customers,
    CAST(SUM(CASE x.kind WHEN 'contribution' THEN c.before_marketing ELSE c.net END) AS DECIMAL(28, 4)) AS amount
FROM weeks AS w
JOIN model.contribution AS c ON c.day <= w.week AND c.day > CAST(w.week - INTERVAL '365' DAY AS DATE)
CROSS JOIN (SELECT 'contribution' AS kind UNION ALL SELECT 'net' AS kind) AS x
GROUP BY w.week, x.kind
