/* ---
name: {fr: "Délai entre commandes", en: "Days between orders"}
definition:
  fr: "Médiane du délai entre deux commandes d'un même client, sur 365 jours."
  en: "Median gap between two orders of a customer, over 365 days."
unit: days
kind: window
window: 365
good: down
measured_by: [orders, sale_lines]
touches:
  model.customer_orders: {forward: 364}
minimum: 0
since: 1
--- */
WITH gaps AS (
    SELECT o.day AS day, o.day - o.previous_day AS gap, COUNT(*) AS gaps
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.previous_day IS NOT NULL
    GROUP BY o.day, o.day - o.previous_day
), windows AS (
    SELECT d.day AS day, g.gap AS gap, SUM(g.gaps) AS gaps
    FROM run.days AS d
    JOIN gaps AS g ON g.day <= d.day AND g.day >= CAST(d.day - INTERVAL '364' DAY AS DATE)
    GROUP BY d.day, g.gap
), placed AS (
    SELECT w.day AS day, w.gap AS gap,
        SUM(w.gaps) OVER (PARTITION BY w.day ORDER BY w.gap) AS up_to,
        SUM(w.gaps) OVER (PARTITION BY w.day) AS gaps
    FROM windows AS w
)
SELECT
    p.day AS day, 'total' AS dimension, '' AS segment,
    CAST((MIN(CASE WHEN p.up_to * 2 >= p.gaps THEN p.gap END)
        + MIN(CASE WHEN p.up_to * 2 > p.gaps THEN p.gap END)) AS DECIMAL(18, 4)) * CAST(0.5 AS DECIMAL(2, 1)) AS numerator,
    1 AS denominator
FROM placed AS p
GROUP BY p.day
