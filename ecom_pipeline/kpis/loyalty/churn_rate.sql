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
    SELECT o.day AS day, o.day - o.previous_day AS gap, COUNT(*) AS gaps
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.previous_day IS NOT NULL
    GROUP BY o.day, o.day - o.previous_day
), ranked AS (
    SELECT m.month AS month, g.gap AS gap,
        SUM(SUM(g.gaps)) OVER (PARTITION BY m.month ORDER BY g.gap) AS up_to,
        SUM(SUM(g.gaps)) OVER (PARTITION BY m.month) AS gaps
    FROM months AS m
    JOIN gaps AS g ON g.day < m.month
    GROUP BY m.month, g.gap
), windows AS (
    SELECT m.month AS month, m.first_day AS first_day, m.last_day AS last_day,
        CAST(COALESCE(s.churn_window_days, CASE WHEN MIN(r.gap) < 1 THEN 1 ELSE MIN(r.gap) END) AS INTEGER) AS days
    FROM months AS m
    CROSS JOIN config.shop AS s
    LEFT JOIN ranked AS r ON r.month = m.month AND r.up_to * 5 >= r.gaps * 4
    GROUP BY m.month, m.first_day, m.last_day, s.churn_window_days
), recent AS (
    SELECT w.first_day AS first_day, w.last_day AS last_day, w.days AS days,
        o.dimension AS dimension, o.segment AS segment, o.day AS day,
        COALESCE(o.previous_day, DATE '1900-01-01') AS previous_day
    FROM windows AS w
    JOIN model.customer_orders AS o
        ON o.day <= w.last_day AND o.day > w.first_day - 2 * w.days
    WHERE w.days IS NOT NULL
), spans AS (
    SELECT r.dimension AS dimension, r.segment AS segment, r.first_day AS first_day, r.last_day AS last_day,
        1 AS churned, 0 AS watched,
        GREATEST(r.day, r.previous_day + 2 * r.days) AS begins, r.day + 2 * r.days AS ends
    FROM recent AS r
    UNION ALL
    SELECT r.dimension AS dimension, r.segment AS segment, r.first_day AS first_day, r.last_day AS last_day,
        -1 AS churned, 0 AS watched,
        GREATEST(r.day, r.previous_day + r.days) AS begins, r.day + r.days AS ends
    FROM recent AS r
    UNION ALL
    SELECT r.dimension AS dimension, r.segment AS segment, r.first_day AS first_day, r.last_day AS last_day,
        0 AS churned, 1 AS watched,
        GREATEST(r.day, r.previous_day + r.days) + r.days AS begins, r.day + 2 * r.days AS ends
    FROM recent AS r
), clipped AS (
    SELECT s.dimension AS dimension, s.segment AS segment, s.churned AS churned, s.watched AS watched,
        GREATEST(s.begins, s.first_day) AS begins, LEAST(s.ends, s.last_day + 1) AS ends
    FROM spans AS s
    WHERE s.begins < s.ends AND s.begins <= s.last_day AND s.ends > s.first_day
), steps AS (
    SELECT x.dimension AS dimension, x.segment AS segment, x.day AS day,
        SUM(x.churned) AS churned, SUM(x.watched) AS watched
    FROM (
        SELECT c.dimension AS dimension, c.segment AS segment, c.begins AS day,
            c.churned AS churned, c.watched AS watched
        FROM clipped AS c
        UNION ALL
        SELECT c.dimension AS dimension, c.segment AS segment, c.ends AS day,
            -c.churned AS churned, -c.watched AS watched
        FROM clipped AS c
        UNION ALL
        SELECT c.dimension AS dimension, c.segment AS segment, d.day AS day, 0 AS churned, 0 AS watched
        FROM (SELECT DISTINCT r.dimension AS dimension, r.segment AS segment FROM recent AS r) AS c
        CROSS JOIN run.days AS d
    ) AS x
    GROUP BY x.dimension, x.segment, x.day
), running AS (
    SELECT s.day AS day, s.dimension AS dimension, s.segment AS segment,
        SUM(s.churned) OVER (PARTITION BY s.dimension, s.segment ORDER BY s.day) AS numerator,
        SUM(s.watched) OVER (PARTITION BY s.dimension, s.segment ORDER BY s.day) AS denominator
    FROM steps AS s
)
SELECT r.day AS day, r.dimension AS dimension, r.segment AS segment, r.numerator AS numerator,
    r.denominator AS denominator
FROM running AS r
JOIN run.days AS d ON d.day = r.day
WHERE r.denominator > 0
