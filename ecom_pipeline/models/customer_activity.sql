/* ---
grain: a day and segment
description: Distinct customers active in the 28 and 365 days ending with a day, exact. An order makes its customer active until the window has passed over it; each order adds only the days its predecessor does not cover already, so one sort serves all days.
key: [day, dimension, segment]
touches:
  model.customer_orders: {forward: 365}
--- */
WITH bounds AS (
    SELECT MIN(d.day) AS first_day, MAX(d.day) AS last_day FROM run.days AS d
), placed AS (
    SELECT o.*
    FROM model.customer_orders AS o
    CROSS JOIN bounds AS b
    WHERE o.day > CAST(b.first_day - INTERVAL '365' DAY AS DATE) AND o.day <= b.last_day
), segments AS (
    SELECT s.dimension AS dimension, s.segment AS segment,
        CAST(ROW_NUMBER() OVER (ORDER BY s.dimension, s.segment) AS INTEGER) AS cut
    FROM (SELECT DISTINCT p.dimension AS dimension, p.segment AS segment FROM placed AS p) AS s
), recent AS (
    SELECT
        s.cut AS cut, o.day AS day, o.first_day AS first_day,
        COALESCE(o.previous_day, DATE '1900-01-01') AS previous_day,
        COALESCE(o.second_previous_day, DATE '1900-01-01') AS second_previous_day
    FROM placed AS o
    JOIN segments AS s ON s.dimension = o.dimension AND s.segment = o.segment
), spans AS (
    SELECT
        r.cut AS cut, 'buyers_28' AS measure,
        GREATEST(r.day, CAST(r.previous_day + INTERVAL '28' DAY AS DATE)) AS begins,
        CAST(r.day + INTERVAL '28' DAY AS DATE) AS ends
    FROM recent AS r
    UNION ALL
    SELECT
        r.cut AS cut, 'returning_28' AS measure,
        GREATEST(r.day, CAST(r.previous_day + INTERVAL '28' DAY AS DATE),
                 CAST(r.first_day + INTERVAL '28' DAY AS DATE)) AS begins,
        CAST(r.day + INTERVAL '28' DAY AS DATE) AS ends
    FROM recent AS r
    UNION ALL
    SELECT
        r.cut AS cut, 'buyers_365' AS measure,
        GREATEST(r.day, CAST(r.previous_day + INTERVAL '365' DAY AS DATE)) AS begins,
        CAST(r.day + INTERVAL '365' DAY AS DATE) AS ends
    FROM recent AS r
    UNION ALL
    SELECT
        r.cut AS cut, 'repeat_365' AS measure,
        GREATEST(r.day, CAST(r.second_previous_day + INTERVAL '365' DAY AS DATE)) AS begins,
        CAST(r.previous_day + INTERVAL '365' DAY AS DATE) AS ends
    FROM recent AS r
    UNION ALL
    SELECT
        r.cut AS cut, 'orders_365' AS measure,
        r.day AS begins, CAST(r.day + INTERVAL '365' DAY AS DATE) AS ends
    FROM recent AS r
), clipped AS (
    SELECT
        s.cut AS cut, s.measure AS measure,
        GREATEST(s.begins, b.first_day) AS begins, s.ends AS ends
    FROM spans AS s
    CROSS JOIN bounds AS b
    WHERE s.begins < s.ends AND s.begins <= b.last_day AND s.ends > b.first_day
), events AS (
    SELECT c.cut AS cut, c.measure AS measure, c.begins AS day, 1 AS delta
    FROM clipped AS c
    UNION ALL
    SELECT c.cut AS cut, c.measure AS measure, c.ends AS day, -1 AS delta
    FROM clipped AS c
), steps AS (
    SELECT
        e.cut AS cut, e.day AS day,
        SUM(CASE WHEN e.measure = 'buyers_28' THEN e.delta ELSE 0 END) AS buyers_28,
        SUM(CASE WHEN e.measure = 'returning_28' THEN e.delta ELSE 0 END) AS returning_28,
        SUM(CASE WHEN e.measure = 'buyers_365' THEN e.delta ELSE 0 END) AS buyers_365,
        SUM(CASE WHEN e.measure = 'repeat_365' THEN e.delta ELSE 0 END) AS repeat_365,
        SUM(CASE WHEN e.measure = 'orders_365' THEN e.delta ELSE 0 END) AS orders_365
    FROM (
        SELECT * FROM events
        UNION ALL
        SELECT c.cut AS cut, 'spine' AS measure, d.day AS day, 0 AS delta
        FROM segments AS c
        CROSS JOIN run.days AS d
    ) AS e
    GROUP BY e.cut, e.day
), running AS (
    SELECT
        s.day AS day, s.cut AS cut,
        CAST(SUM(s.buyers_28) OVER w AS BIGINT) AS buyers_28,
        CAST(SUM(s.returning_28) OVER w AS BIGINT) AS returning_28,
        CAST(SUM(s.buyers_365) OVER w AS BIGINT) AS buyers_365,
        CAST(SUM(s.repeat_365) OVER w AS BIGINT) AS repeat_365,
        CAST(SUM(s.orders_365) OVER w AS BIGINT) AS orders_365
    FROM steps AS s
    WINDOW w AS (PARTITION BY s.cut ORDER BY s.day)
)
SELECT r.day AS day, s.dimension AS dimension, s.segment AS segment, r.buyers_28 AS buyers_28,
    r.returning_28 AS returning_28, r.buyers_365 AS buyers_365, r.repeat_365 AS repeat_365, r.orders_365 AS orders_365
FROM running AS r
JOIN run.days AS d ON d.day = r.day
JOIN segments AS s ON s.cut = r.cut
WHERE r.buyers_365 > 0
