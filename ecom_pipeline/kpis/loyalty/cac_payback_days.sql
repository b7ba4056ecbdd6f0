/* ---
name: {fr: "Délai de retour du CAC", en: "CAC payback"}
definition:
  fr: "Premier jour après l'acquisition où la contribution cumulée par client atteint le coût d'acquisition, pour les clients acquis depuis 90 à 454 jours ; vide au-delà de 90 jours."
  en: "First day after acquisition on which cumulative contribution per customer reaches acquisition cost, for customers acquired 90 to 454 days ago; empty beyond 90 days."
unit: days
kind: window
window: 365
good: down
dimensions: [channel]
action:
  fr: "Relever la première commande ou baisser le coût d'acquisition."
  en: "Raise the first order's value or lower acquisition cost."
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
touches:
  model.customer_value: {forward: 454}
  model.customer_orders: {forward: 454}
  model.marketing_costs: {forward: 454}
minimum: 0
maximum: 90
rests_on: 454
young_until: 90
tells_new: 454
since: 1
--- */
WITH cuts AS (
    SELECT 'total' AS dimension
    UNION ALL SELECT 'channel' AS dimension
), spending AS (
    SELECT d.day AS day, s.dimension AS dimension,
        CASE s.dimension WHEN 'channel' THEN m.channel ELSE '' END AS segment, SUM(m.cost) AS cost
    FROM run.days AS d
    CROSS JOIN cuts AS s
    JOIN model.marketing_costs AS m
        ON m.day >= CAST(d.day - INTERVAL '454' DAY AS DATE) AND m.day <= CAST(d.day - INTERVAL '90' DAY AS DATE)
    GROUP BY d.day, s.dimension, CASE s.dimension WHEN 'channel' THEN m.channel ELSE '' END
), bounds AS (
    SELECT MIN(d.day) AS first_day, MAX(d.day) AS last_day FROM run.days AS d
), aged AS (
    SELECT v.first_day AS first_day, s.dimension AS dimension,
        CASE s.dimension WHEN 'channel' THEN v.channel ELSE '' END AS segment,
        v.day - v.first_day AS age, SUM(v.contribution) AS contribution,
        SUM(v.known_gross) AS known_gross, SUM(v.gross) AS gross
    FROM model.customer_value AS v
    JOIN bounds AS b
        ON v.first_day >= CAST(b.first_day - INTERVAL '454' DAY AS DATE)
        AND v.first_day <= CAST(b.last_day - INTERVAL '90' DAY AS DATE)
    CROSS JOIN cuts AS s
    WHERE v.day <= CAST(v.first_day + INTERVAL '90' DAY AS DATE)
    GROUP BY v.first_day, s.dimension, CASE s.dimension WHEN 'channel' THEN v.channel ELSE '' END, v.day - v.first_day
), steps AS (
    SELECT e.dimension AS dimension, e.segment AS segment, e.age AS age, e.day AS day,
        SUM(e.contribution) AS contribution, SUM(e.known_gross) AS known_gross, SUM(e.gross) AS gross
    FROM (
        SELECT a.dimension AS dimension, a.segment AS segment, a.age AS age,
            GREATEST(CAST(a.first_day + INTERVAL '90' DAY AS DATE), b.first_day) AS day,
            a.contribution AS contribution, a.known_gross AS known_gross, a.gross AS gross
        FROM aged AS a
        CROSS JOIN bounds AS b
        UNION ALL
        SELECT a.dimension AS dimension, a.segment AS segment, a.age AS age,
            CAST(a.first_day + INTERVAL '455' DAY AS DATE) AS day,
            -a.contribution AS contribution, -a.known_gross AS known_gross, -a.gross AS gross
        FROM aged AS a
        JOIN bounds AS b ON a.first_day < CAST(b.last_day - INTERVAL '454' DAY AS DATE)
        UNION ALL
        SELECT g.dimension AS dimension, g.segment AS segment, g.age AS age, d.day AS day,
            0 AS contribution, 0 AS known_gross, 0 AS gross
        FROM (SELECT DISTINCT a.dimension AS dimension, a.segment AS segment, a.age AS age FROM aged AS a) AS g
        CROSS JOIN run.days AS d
    ) AS e
    GROUP BY e.dimension, e.segment, e.age, e.day
), by_age AS (
    SELECT s.day AS day, s.dimension AS dimension, s.segment AS segment, s.age AS age,
        SUM(s.contribution) OVER w AS contribution, SUM(s.known_gross) OVER w AS known_gross,
        SUM(s.gross) OVER w AS gross
    FROM steps AS s
    WINDOW w AS (PARTITION BY s.dimension, s.segment, s.age ORDER BY s.day)
), cumulated AS (
    SELECT b.day AS day, b.dimension AS dimension, b.segment AS segment, b.age AS age,
        SUM(b.contribution) OVER (PARTITION BY b.day, b.dimension, b.segment ORDER BY b.age) AS contribution,
        SUM(b.known_gross) OVER (PARTITION BY b.day, b.dimension, b.segment) AS known_gross,
        SUM(b.gross) OVER (PARTITION BY b.day, b.dimension, b.segment) AS gross
    FROM by_age AS b
    JOIN run.days AS d ON d.day = b.day
)
SELECT
    c.day AS day, c.dimension AS dimension, c.segment AS segment,
    MIN(c.age) AS numerator,
    1 AS denominator,
    MAX(c.known_gross) AS covered,
    MAX(c.gross) AS coverable
FROM cumulated AS c
JOIN spending AS s ON s.day = c.day AND s.dimension = c.dimension AND s.segment = c.segment
WHERE s.cost > 0 AND c.contribution >= s.cost
GROUP BY c.day, c.dimension, c.segment
