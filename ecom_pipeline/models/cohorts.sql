/* ---
grain: a day customers were acquired, in total and by the channel and country of their first order
description: How many customers first bought on a day, and what they contributed before marketing in the 365 days that began with it, with what they bought and how much of that has a known cost.
key: [day, dimension, segment]
touches:
  model.customer_value: {column: CASE WHEN day <= first_day + 364 THEN first_day END}
--- */
SELECT
    x.day AS day, s.dimension AS dimension,
    CASE s.dimension WHEN 'channel' THEN x.channel WHEN 'country' THEN x.country ELSE '' END AS segment,
    CAST(SUM(x.contribution) AS DECIMAL(18, 4)) AS contribution,
    CAST(SUM(x.known_gross) AS DECIMAL(18, 2)) AS known_gross,
    CAST(SUM(x.gross) AS DECIMAL(18, 2)) AS gross,
    CAST(SUM(x.customers) AS BIGINT) AS customers
FROM (
    SELECT v.first_day AS day, v.channel AS channel, v.country AS country,
        v.contribution AS contribution, v.known_gross AS known_gross, v.gross AS gross, 0 AS customers
    FROM model.customer_value AS v
    JOIN run.days AS d ON d.day = v.first_day
    WHERE v.day <= CAST(v.first_day + INTERVAL '364' DAY AS DATE)
    UNION ALL
    SELECT o.day AS day, o.first_channel AS channel, o.first_country AS country,
        CAST(0 AS DECIMAL(18, 4)) AS contribution, 0 AS known_gross, 0 AS gross, 1 AS customers
    FROM model.customer_orders AS o
    JOIN run.days AS d ON d.day = o.day
    WHERE o.dimension = 'total' AND o.is_new
) AS x
CROSS JOIN (
    SELECT 'total' AS dimension
    UNION ALL SELECT 'channel' AS dimension
    UNION ALL SELECT 'country' AS dimension
) AS s
GROUP BY x.day, s.dimension,
    CASE s.dimension WHEN 'channel' THEN x.channel WHEN 'country' THEN x.country ELSE '' END
