/* ---
grain: a day and segment
description: Distinct customers active in the 28 and 365 days ending with a day, exact. An order makes its customer active until the window has passed over it; each order adds only the days its predecessor does not cover already, so counts of orders by their own day and by their predecessors' serve all days.
key: [day, dimension, segment]
touches:
  model.customer_orders: {forward: 365}
--- */
WITH bounds AS (
    SELECT MIN(d.day) AS first_day, MAX(d.day) AS last_day FROM run.days AS d
), placed AS (
    SELECT
        o.dimension AS dimension, o.segment AS segment, o.day AS day, o.previous_day AS previous_day,
        o.second_previous_day AS second_previous_day,
        COALESCE(o.previous_day, CASE WHEN o.first_day < o.day THEN o.first_day END) AS known_day
    FROM model.customer_orders AS o
    CROSS JOIN bounds AS b
    WHERE o.day > CAST(b.first_day - INTERVAL '365' DAY AS DATE) AND o.day <= b.last_day
), by_day AS (
    SELECT
        p.dimension AS dimension, p.segment AS segment, p.day AS day, COUNT(*) AS orders,
        SUM(CASE WHEN p.day - p.previous_day < 28 THEN 0 ELSE 1 END) AS uncovered_28,
        SUM(CASE WHEN p.day - p.previous_day < 365 THEN 0 ELSE 1 END) AS uncovered_365,
        COUNT(p.known_day) AS returning,
        SUM(CASE WHEN p.day - p.known_day >= 28 THEN 1 ELSE 0 END) AS returning_uncovered_28,
        SUM(CASE WHEN p.day - p.previous_day < 365 AND COALESCE(p.day - p.second_previous_day, 365) >= 365
                 THEN 1 ELSE 0 END) AS repeat_uncovered_365
    FROM placed AS p
    GROUP BY p.dimension, p.segment, p.day
), by_known_day AS (
    SELECT
        p.dimension AS dimension, p.segment AS segment, p.known_day AS day,
        SUM(CASE WHEN p.day - p.previous_day < 28 THEN 1 ELSE 0 END) AS covering_28,
        SUM(CASE WHEN p.day - p.previous_day < 365 THEN 1 ELSE 0 END) AS covering_365,
        SUM(CASE WHEN p.day - p.known_day < 28 THEN 1 ELSE 0 END) AS returning_covering_28
    FROM placed AS p
    WHERE p.known_day IS NOT NULL
    GROUP BY p.dimension, p.segment, p.known_day
), by_second_day AS (
    SELECT p.dimension AS dimension, p.segment AS segment, p.second_previous_day AS day,
        COUNT(*) AS repeat_covering_365
    FROM placed AS p
    WHERE p.day - p.second_previous_day < 365
    GROUP BY p.dimension, p.segment, p.second_previous_day
), changes AS (
    SELECT
        n.dimension AS dimension, n.segment AS segment, n.day AS day,
        n.uncovered_28 AS buyers_28, n.returning_uncovered_28 AS returning_28, n.uncovered_365 AS buyers_365,
        n.repeat_uncovered_365 AS repeat_365, n.orders AS orders_365
    FROM by_day AS n
    UNION ALL
    SELECT n.dimension, n.segment, CAST(n.day + INTERVAL '28' DAY AS DATE), -n.orders, -n.returning, 0, 0, 0
    FROM by_day AS n
    UNION ALL
    SELECT n.dimension, n.segment, CAST(n.day + INTERVAL '365' DAY AS DATE), 0, 0, -n.orders, 0, -n.orders
    FROM by_day AS n
    UNION ALL
    SELECT k.dimension, k.segment, CAST(k.day + INTERVAL '28' DAY AS DATE), k.covering_28, k.returning_covering_28,
        0, 0, 0
    FROM by_known_day AS k
    UNION ALL
    SELECT k.dimension, k.segment, CAST(k.day + INTERVAL '365' DAY AS DATE), 0, 0, k.covering_365, -k.covering_365, 0
    FROM by_known_day AS k
    UNION ALL
    SELECT s.dimension, s.segment, CAST(s.day + INTERVAL '365' DAY AS DATE), 0, 0, 0, s.repeat_covering_365, 0
    FROM by_second_day AS s
    UNION ALL
    SELECT c.dimension, c.segment, d.day, 0, 0, 0, 0, 0
    FROM (SELECT DISTINCT n.dimension AS dimension, n.segment AS segment FROM by_day AS n) AS c
    CROSS JOIN run.days AS d
), steps AS (
    SELECT
        c.dimension AS dimension, c.segment AS segment, c.day AS day, SUM(c.buyers_28) AS buyers_28,
        SUM(c.returning_28) AS returning_28, SUM(c.buyers_365) AS buyers_365, SUM(c.repeat_365) AS repeat_365,
        SUM(c.orders_365) AS orders_365
    FROM changes AS c
    GROUP BY c.dimension, c.segment, c.day
), running AS (
    SELECT
        s.day AS day, s.dimension AS dimension, s.segment AS segment,
        CAST(SUM(s.buyers_28) OVER w AS BIGINT) AS buyers_28,
        CAST(SUM(s.returning_28) OVER w AS BIGINT) AS returning_28,
        CAST(SUM(s.buyers_365) OVER w AS BIGINT) AS buyers_365,
        CAST(SUM(s.repeat_365) OVER w AS BIGINT) AS repeat_365,
        CAST(SUM(s.orders_365) OVER w AS BIGINT) AS orders_365
    FROM steps AS s
    WINDOW w AS (PARTITION BY s.dimension, s.segment ORDER BY s.day)
)
SELECT r.day AS day, r.dimension AS dimension, r.segment AS segment, r.buyers_28 AS buyers_28,
    r.returning_28 AS returning_28, r.buyers_365 AS buyers_365, r.repeat_365 AS repeat_365, r.orders_365 AS orders_365
FROM running AS r
JOIN run.days AS d ON d.day = r.day
WHERE r.buyers_365 > 0
