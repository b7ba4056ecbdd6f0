/* ---
name: {fr: "Valeur vie client (LTV)", en: "Lifetime value"}
definition:
  fr: "Contribution avant marketing par client dans les 365 jours suivant sa première commande, pour les clients acquis il y a 365 à 730 jours."
  en: "Contribution before marketing per customer in the 365 days from the first order, for customers acquired 365 to 730 days ago."
unit: money
kind: window
window: 365
good: up
dimensions: [channel, country]
action:
  fr: "Fidélisation et rétention."
  en: "Loyalty and retention."
measured_by: [orders, sale_lines, restocks, products, shipments, payments]
touches:
  model.customer_value: {forward: 730}
  model.customer_orders: {forward: 730}
since: 1
--- */
WITH cuts AS (
    SELECT 'total' AS dimension
    UNION ALL SELECT 'channel' AS dimension
    UNION ALL SELECT 'country' AS dimension
), cohorts AS (
    SELECT x.first_day AS first_day, x.dimension AS dimension, x.segment AS segment,
        SUM(x.contribution) AS contribution, SUM(x.customers) AS customers
    FROM (
        SELECT c.first_day AS first_day, s.dimension AS dimension,
            CASE s.dimension WHEN 'channel' THEN c.channel WHEN 'country' THEN c.country ELSE '' END AS segment,
            c.contribution AS contribution, c.customers AS customers
        FROM (
            SELECT v.first_day AS first_day, v.channel AS channel, v.country AS country,
                v.contribution AS contribution, 0 AS customers
            FROM model.customer_value AS v
            WHERE v.day <= CAST(v.first_day + INTERVAL '364' DAY AS DATE)
            UNION ALL
            SELECT o.first_day AS first_day, o.first_channel AS channel, o.first_country AS country,
                CAST(0 AS DECIMAL(18, 4)) AS contribution, 1 AS customers
            FROM model.customer_orders AS o
            WHERE o.dimension = 'total' AND o.order_number = 1
        ) AS c
        CROSS JOIN cuts AS s
    ) AS x
    GROUP BY x.first_day, x.dimension, x.segment
)
SELECT
    d.day AS day, c.dimension AS dimension, c.segment AS segment,
    SUM(c.contribution) AS numerator,
    SUM(c.customers) AS denominator
FROM run.days AS d
JOIN cohorts AS c
    ON c.first_day >= CAST(d.day - INTERVAL '730' DAY AS DATE)
    AND c.first_day <= CAST(d.day - INTERVAL '365' DAY AS DATE)
GROUP BY d.day, c.dimension, c.segment
HAVING SUM(c.customers) > 0
