/* ---
grain: a Sunday and the channel customers first came by, or all of them
description: What the customers of a Sunday are expected to contribute before marketing in the 365 days after it, with an interval, and how well the same method foretold the half year before; it holds for the week that begins. Fitted on whole weeks since the first purchase; without a year of history or a hundred customers who came back there is no row.
key: [day, dimension, segment]
days: sundays
touches:
  model.customer_orders: {after: true}
  model.sale_lines: {after: true}
  model.contribution: {after: true}
computed_by: ecom_pipeline.insights.predicted_value:predict
--- */
WITH moments AS (
    SELECT d.day AS moment FROM run.days AS d
    UNION
    SELECT CAST(d.day - INTERVAL '182' DAY AS DATE) AS moment FROM run.days AS d
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
), steps AS (
    SELECT p.customer AS customer, c.channel AS channel,
        CAST(DATE_TRUNC('week', c.first_day) + INTERVAL '6' DAY AS DATE) AS first_sunday,
        ROW_NUMBER() OVER w - 1 AS frequency,
        p.day - c.first_day - (p.day - c.first_day) % 7 AS recency,
        SUM(CASE WHEN p.day > c.first_day THEN p.amount ELSE 0 END) OVER w AS amount,
        CAST(DATE_TRUNC('week', p.day) + INTERVAL '6' DAY AS DATE) AS begins,
        CAST(DATE_TRUNC('week', COALESCE(LEAD(p.day) OVER w, DATE '9999-01-01')) + INTERVAL '6' DAY AS DATE) AS ends
    FROM purchases AS p
    JOIN customers AS c ON c.customer = p.customer
    WINDOW w AS (PARTITION BY p.customer ORDER BY p.day)
), histories AS (
    SELECT t.channel AS channel, t.frequency AS frequency, t.recency AS recency, t.first_sunday AS first_sunday,
        t.begins AS begins, t.ends AS ends, COUNT(*) AS customers, SUM(t.amount) AS amount
    FROM steps AS t
    WHERE t.begins < t.ends
    GROUP BY t.channel, t.frequency, t.recency, t.first_sunday, t.begins, t.ends
), spenders AS (
    SELECT t.frequency AS frequency, t.begins AS begins, t.ends AS ends, t.amount AS amount,
        CAST(t.amount AS DOUBLE) / NULLIF(t.frequency, 0) AS mean
    FROM steps AS t
    WHERE t.begins < t.ends AND t.frequency > 0 AND t.amount > 0
), stepped AS (
    SELECT p.*,
        CASE WHEN p.mean < 10 THEN 1 WHEN p.mean < 100 THEN 10 WHEN p.mean < 1000 THEN 100 ELSE 1000 END AS step
    FROM spenders AS p
), spending AS (
    SELECT p.frequency AS frequency, p.step AS step, FLOOR(p.mean * 100 / p.step) AS steps, p.begins AS begins,
        p.ends AS ends, COUNT(*) AS customers, SUM(p.amount) AS amount
    FROM stepped AS p
    GROUP BY p.frequency, p.step, FLOOR(p.mean * 100 / p.step), p.begins, p.ends
)
SELECT
    m.moment AS moment, 'history' AS kind, h.channel AS channel, CAST(h.frequency AS BIGINT) AS frequency,
    CAST(h.recency AS BIGINT) AS recency, CAST(m.moment - h.first_sunday AS BIGINT) AS age,
    CAST(SUM(h.customers) AS BIGINT) AS customers, CAST(SUM(h.amount) AS DECIMAL(28, 4)) AS amount
FROM histories AS h
JOIN moments AS m ON m.moment >= h.begins AND m.moment < h.ends
GROUP BY m.moment, h.channel, h.frequency, h.recency, h.first_sunday
UNION ALL
SELECT
    m.moment AS moment, 'spend' AS kind, '' AS channel, CAST(p.frequency AS BIGINT) AS frequency,
    CAST(0 AS BIGINT) AS recency, CAST(0 AS BIGINT) AS age, CAST(SUM(p.customers) AS BIGINT) AS customers,
    CAST(SUM(p.amount) AS DECIMAL(28, 4)) AS amount
FROM spending AS p
JOIN moments AS m ON m.moment >= p.begins AND m.moment < p.ends
GROUP BY m.moment, p.frequency, p.step, p.steps
UNION ALL
SELECT
    d.day AS moment, x.kind AS kind, '' AS channel, CAST(0 AS BIGINT) AS frequency, CAST(0 AS BIGINT) AS recency,
    CAST(0 AS BIGINT) AS age, CAST(0 AS BIGINT) AS customers,
    CAST(SUM(CASE x.kind WHEN 'contribution' THEN c.before_marketing ELSE c.net END) AS DECIMAL(28, 4)) AS amount
FROM run.days AS d
JOIN model.contribution AS c ON c.day <= d.day AND c.day > CAST(d.day - INTERVAL '365' DAY AS DATE)
CROSS JOIN (SELECT 'contribution' AS kind UNION ALL SELECT 'net' AS kind) AS x
GROUP BY d.day, x.kind
