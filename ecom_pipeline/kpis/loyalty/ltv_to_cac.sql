/* ---
name: {fr: "LTV / CAC", en: "LTV / CAC"}
definition:
  fr: "Valeur vie client divisée par le coût d'acquisition des 365 derniers jours."
  en: "Lifetime value divided by the customer acquisition cost of the last 365 days."
unit: multiple
kind: window
window: 365
good: up
dimensions: [channel]
reference: {at_least: "3"}
action:
  fr: "En dessous de 3, l'acquisition perd de l'argent à long terme : fidéliser ou acheter moins cher."
  en: "Below 3 acquisition loses money in the long run: retain better or buy cheaper."
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
touches:
  model.cohorts: {backward: -365, forward: 730}
  model.customer_orders: {forward: 364}
  model.marketing_costs: {forward: 364}
rests_on: 730
young_until: 365
tells_new: 365
since: 1
--- */
WITH cuts AS (
    SELECT 'total' AS dimension
    UNION ALL SELECT 'channel' AS dimension
), lifetime AS (
    SELECT
        d.day AS day, c.dimension AS dimension, c.segment AS segment,
        SUM(c.contribution) AS contribution, SUM(c.customers) AS customers,
        SUM(c.known_gross) AS known_gross, SUM(c.gross) AS gross
    FROM run.days AS d
    JOIN model.cohorts AS c
        ON c.day >= CAST(d.day - INTERVAL '730' DAY AS DATE)
        AND c.day <= CAST(d.day - INTERVAL '365' DAY AS DATE)
    WHERE c.dimension IN ('total', 'channel')
    GROUP BY d.day, c.dimension, c.segment
), spending AS (
    SELECT d.day AS day, s.dimension AS dimension,
        CASE s.dimension WHEN 'channel' THEN x.channel ELSE '' END AS segment,
        SUM(x.cost) AS cost, SUM(x.customers) AS customers
    FROM run.days AS d
    CROSS JOIN cuts AS s
    JOIN (
        SELECT m.day AS day, m.channel AS channel, m.cost AS cost, 0 AS customers FROM model.marketing_costs AS m
        UNION ALL
        SELECT o.day AS day, o.first_channel AS channel, CAST(0 AS DECIMAL(18, 4)) AS cost, COUNT(*) AS customers
        FROM model.customer_orders AS o
        WHERE o.dimension = 'total' AND o.is_new
        GROUP BY o.day, o.first_channel
    ) AS x ON x.day <= d.day AND x.day >= CAST(d.day - INTERVAL '364' DAY AS DATE)
    GROUP BY d.day, s.dimension, CASE s.dimension WHEN 'channel' THEN x.channel ELSE '' END
)
SELECT
    l.day AS day, l.dimension AS dimension, l.segment AS segment,
    l.contribution * s.customers AS numerator,
    l.customers * s.cost AS denominator,
    l.known_gross AS covered,
    l.gross AS coverable
FROM lifetime AS l
JOIN spending AS s ON s.day = l.day AND s.dimension = l.dimension AND s.segment = l.segment
WHERE l.customers > 0 AND s.cost > 0
