/* ---
grain: a day, the day its customers first bought, and the channel and country of that first order
description: Contribution before marketing of known customers, by the day it arose and by cohort, with what they bought and how much of that has a known cost.
key: [day, first_day, channel, country]
touches:
  model.customer_orders: {through: first_day, customers: first_day}
--- */
SELECT
    x.day AS day, f.first_day AS first_day, f.first_channel AS channel, f.first_country AS country,
    CAST(SUM(x.contribution) AS DECIMAL(18, 4)) AS contribution,
    CAST(SUM(x.known_gross) AS DECIMAL(18, 2)) AS known_gross,
    CAST(SUM(x.gross) AS DECIMAL(18, 2)) AS gross
FROM (
    SELECT l.day AS day, l.customer AS customer,
        CAST(SUM(l.gross - l.discounts - l.returns + l.shipping_income - l.cost) AS DECIMAL(18, 4)) AS contribution,
        SUM(CASE WHEN l.is_known THEN l.gross ELSE 0 END) AS known_gross, SUM(l.gross) AS gross
    FROM model.sale_lines AS l
    JOIN run.days AS d ON d.day = l.day
    WHERE l.customer IS NOT NULL
    GROUP BY l.day, l.customer
    UNION ALL
    SELECT g.day AS day, g.customer AS customer, CAST(-SUM(g.cost) AS DECIMAL(18, 4)) AS contribution,
        0 AS known_gross, 0 AS gross
    FROM model.logistics AS g
    JOIN run.days AS d ON d.day = g.day
    WHERE g.customer IS NOT NULL
    GROUP BY g.day, g.customer
    UNION ALL
    SELECT p.day AS day, p.customer AS customer, CAST(-SUM(p.fees) AS DECIMAL(18, 4)) AS contribution,
        0 AS known_gross, 0 AS gross
    FROM model.payments AS p
    JOIN run.days AS d ON d.day = p.day
    WHERE p.customer IS NOT NULL
    GROUP BY p.day, p.customer
) AS x
JOIN model.customer_orders AS f ON f.customer = x.customer AND f.dimension = 'total' AND f.is_new
WHERE x.day >= f.first_day
GROUP BY x.day, f.first_day, f.first_channel, f.first_country
