/* ---
grain: the customers of a month, in total and by first channel
description: After how many days, the day of the first order being 0, what a month's new customers had contributed before marketing reached what acquiring them cost. Empty while it has not, and no day is looked at that the month's last newcomers have not lived through.
key: [day, dimension, segment]
scope: all
--- */
WITH months AS (
    SELECT c.day AS month, c.dimension AS dimension, c.segment AS segment, c.acquisition_cost AS cost
    FROM model.cohort_months AS c
    WHERE c.months_later = 0 AND c.dimension IN ('total', 'channel')
), newest AS (
    SELECT MAX(d.day) AS day FROM run.days AS d
), by_channel AS (
    SELECT CAST(DATE_TRUNC('month', v.first_day) AS DATE) AS month, v.channel AS channel,
        v.day - v.first_day AS age, SUM(v.contribution) AS contribution
    FROM model.customer_value AS v
    GROUP BY CAST(DATE_TRUNC('month', v.first_day) AS DATE), v.channel, v.day - v.first_day
), aged AS (
    SELECT c.month AS month, 'channel' AS dimension, c.channel AS segment, c.age AS age, c.contribution AS contribution
    FROM by_channel AS c
    UNION ALL
    SELECT c.month AS month, 'total' AS dimension, '' AS segment, c.age AS age, SUM(c.contribution) AS contribution
    FROM by_channel AS c
    GROUP BY c.month, c.age
), cumulated AS (
    SELECT a.month AS month, a.dimension AS dimension, a.segment AS segment, a.age AS age,
        SUM(a.contribution) OVER (PARTITION BY a.month, a.dimension, a.segment ORDER BY a.age) AS contribution
    FROM aged AS a
)
SELECT
    m.month AS day, m.dimension AS dimension, m.segment AS segment, m.cost AS acquisition_cost,
    CAST(MIN(c.age) AS BIGINT) AS payback_days
FROM months AS m
CROSS JOIN newest AS n
LEFT JOIN cumulated AS c
    ON c.month = m.month AND c.dimension = m.dimension AND c.segment = m.segment AND c.contribution >= m.cost
    AND c.age <= n.day - CAST(m.month + INTERVAL '1' MONTH AS DATE) + 1
GROUP BY m.month, m.dimension, m.segment, m.cost
