/* ---
name: {fr: "Taux de désabonnement", en: "Customer churn"}
definition:
  fr: "Clients actifs une fenêtre plus tôt et sans achat depuis, divisés par ces clients ; la fenêtre est le 80e centile du délai entre commandes."
  en: "Customers active a window ago who bought nothing since, divided by those customers; the window is the 80th percentile of the gap between orders."
unit: percent
kind: window
good: down
dimensions: [channel, country]
action:
  fr: "Reconquérir les clients endormis avant qu'ils ne partent."
  en: "Win back sleeping customers before they leave."
measured_by: [orders, sale_lines]
touches:
  model.customer_orders: {after: true}
minimum: 0
maximum: 1
rests_on: 365
since: 1
--- */
WITH months AS (
    SELECT DATE_TRUNC('month', d.day) AS month, MIN(d.day) AS first_day, MAX(d.day) AS last_day
    FROM run.days AS d
    GROUP BY DATE_TRUNC('month', d.day)
), gaps AS (
    SELECT DATE_TRUNC('month', o.day) AS month, o.day - o.previous_day AS gap, COUNT(*) AS gaps
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.previous_day IS NOT NULL
    GROUP BY DATE_TRUNC('month', o.day), o.day - o.previous_day
), ranked AS (
    SELECT m.month AS month, g.gap AS gap,
        SUM(SUM(g.gaps)) OVER (PARTITION BY m.month ORDER BY g.gap) AS up_to,
        SUM(SUM(g.gaps)) OVER (PARTITION BY m.month) AS gaps
    FROM months AS m
    JOIN gaps AS g ON g.month < m.month
    GROUP BY m.month, g.gap
), windows AS (
    SELECT m.month AS month, m.first_day AS first_day, m.last_day AS last_day,
        CAST(COALESCE(s.churn_window_days, CASE WHEN MIN(r.gap) < 1 THEN 1 ELSE MIN(r.gap) END) AS INTEGER) AS days
    FROM months AS m
    CROSS JOIN config.shop AS s
    LEFT JOIN ranked AS r ON r.month = m.month AND r.up_to * 5 >= r.gaps * 4
    GROUP BY m.month, m.first_day, m.last_day, s.churn_window_days
), recent AS (
    SELECT w.month AS month, w.days AS days, o.dimension AS dimension, o.segment AS segment, o.day AS day,
        o.previous_day AS previous_day, COALESCE(o.day - o.previous_day, 2 * w.days) AS gap
    FROM windows AS w
    JOIN model.customer_orders AS o
        ON o.day <= w.last_day AND o.day > w.first_day - 2 * w.days
    WHERE w.days IS NOT NULL
), placed AS (
    SELECT r.month AS month, r.days AS days, r.dimension AS dimension, r.segment AS segment, r.day AS day,
        COUNT(*) AS orders, SUM(CASE WHEN r.gap >= r.days THEN 1 ELSE 0 END) AS begun,
        SUM(CASE WHEN r.gap >= 2 * r.days THEN 1 ELSE 0 END) AS begun_twice
    FROM recent AS r
    GROUP BY r.month, r.days, r.dimension, r.segment, r.day
), followed AS (
    SELECT r.month AS month, r.days AS days, r.dimension AS dimension, r.segment AS segment, r.previous_day AS day,
        SUM(CASE WHEN r.gap < r.days THEN 1 ELSE 0 END) AS prolonged, COUNT(*) AS prolonged_twice
    FROM recent AS r
    WHERE r.gap < 2 * r.days
    GROUP BY r.month, r.days, r.dimension, r.segment, r.previous_day
), changes AS (
    SELECT p.month AS month, p.dimension AS dimension, p.segment AS segment, p.day AS day,
        p.begun_twice - p.begun AS churned, 0 AS watched
    FROM placed AS p
    UNION ALL
    SELECT p.month AS month, p.dimension AS dimension, p.segment AS segment, p.day + p.days AS day,
        p.orders AS churned, p.begun AS watched
    FROM placed AS p
    UNION ALL
    SELECT p.month AS month, p.dimension AS dimension, p.segment AS segment, p.day + 2 * p.days AS day,
        -p.orders AS churned, -p.orders AS watched
    FROM placed AS p
    UNION ALL
    SELECT f.month AS month, f.dimension AS dimension, f.segment AS segment, f.day + f.days AS day,
        -f.prolonged AS churned, 0 AS watched
    FROM followed AS f
    UNION ALL
    SELECT f.month AS month, f.dimension AS dimension, f.segment AS segment, f.day + 2 * f.days AS day,
        f.prolonged_twice AS churned, f.prolonged AS watched
    FROM followed AS f
    UNION ALL
    SELECT c.month AS month, c.dimension AS dimension, c.segment AS segment, d.day AS day, 0 AS churned, 0 AS watched
    FROM (SELECT DISTINCT p.month AS month, p.dimension AS dimension, p.segment AS segment FROM placed AS p) AS c
    JOIN run.days AS d ON DATE_TRUNC('month', d.day) = c.month
), steps AS (
    SELECT c.month AS month, c.dimension AS dimension, c.segment AS segment, c.day AS day,
        SUM(c.churned) AS churned, SUM(c.watched) AS watched
    FROM changes AS c
    GROUP BY c.month, c.dimension, c.segment, c.day
), running AS (
    SELECT s.month AS month, s.day AS day, s.dimension AS dimension, s.segment AS segment,
        SUM(s.churned) OVER (PARTITION BY s.month, s.dimension, s.segment ORDER BY s.day) AS numerator,
        SUM(s.watched) OVER (PARTITION BY s.month, s.dimension, s.segment ORDER BY s.day) AS denominator
    FROM steps AS s
)
SELECT r.day AS day, r.dimension AS dimension, r.segment AS segment, r.numerator AS numerator,
    r.denominator AS denominator
FROM running AS r
JOIN run.days AS d ON d.day = r.day AND DATE_TRUNC('month', d.day) = r.month
WHERE r.denominator > 0
