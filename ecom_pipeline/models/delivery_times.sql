/* ---
grain: a day, a step of delivery and a segment
description: How long each step took for the parcels that arrived in the 28 days ending with the day - the two values in the middle (one and the same of an odd number) and the least that nine in ten did not exceed, in seconds. Only parcels of known orders.
key: [day, step, dimension, segment]
touches:
  model.deliveries: {forward: 27}
--- */
WITH steps AS (
    SELECT v.day AS day, 'order_cycle' AS step, v.country AS country, v.carrier AS carrier,
        v.order_cycle AS seconds
    FROM model.deliveries AS v
    WHERE v.order_cycle IS NOT NULL
    UNION ALL
    SELECT v.day AS day, 'to_ship' AS step, v.country AS country, v.carrier AS carrier, v.to_ship AS seconds
    FROM model.deliveries AS v
    WHERE v.to_ship IS NOT NULL
    UNION ALL
    SELECT v.day AS day, 'in_transit' AS step, v.country AS country, v.carrier AS carrier,
        v.in_transit AS seconds
    FROM model.deliveries AS v
    WHERE v.in_transit IS NOT NULL AND v.order_cycle IS NOT NULL
), cuts AS (
    SELECT s.day AS day, s.step AS step, 'total' AS dimension, '' AS segment, s.seconds AS seconds
    FROM steps AS s
    UNION ALL
    SELECT s.day AS day, s.step AS step, 'country' AS dimension, s.country AS segment, s.seconds AS seconds
    FROM steps AS s
    UNION ALL
    SELECT s.day AS day, s.step AS step, 'carrier' AS dimension, s.carrier AS segment, s.seconds AS seconds
    FROM steps AS s
    WHERE s.step <> 'to_ship'
), ranked AS (
    SELECT d.day AS day, c.step AS step, c.dimension AS dimension, c.segment AS segment, c.seconds AS seconds,
        ROW_NUMBER() OVER (PARTITION BY d.day, c.step, c.dimension, c.segment ORDER BY c.seconds) AS place,
        COUNT(*) OVER (PARTITION BY d.day, c.step, c.dimension, c.segment) AS parcels
    FROM run.days AS d
    JOIN cuts AS c ON c.day <= d.day AND c.day >= CAST(d.day - INTERVAL '27' DAY AS DATE)
)
SELECT
    r.day AS day, r.step AS step, r.dimension AS dimension, r.segment AS segment,
    MAX(r.parcels) AS parcels,
    MIN(CASE WHEN r.place * 2 >= r.parcels THEN r.seconds END) AS lower_middle,
    MIN(CASE WHEN r.place * 2 > r.parcels THEN r.seconds END) AS upper_middle,
    MIN(CASE WHEN r.place * 10 >= r.parcels * 9 THEN r.seconds END) AS nine_in_ten
FROM ranked AS r
GROUP BY r.day, r.step, r.dimension, r.segment
