/* ---
grain: a day, channel and country
description: The parts of the contribution margin, each on the day it arises; marketing has no country.
key: [day, channel, country]
--- */
SELECT
    x.day AS day, x.channel AS channel, x.country AS country,
    CAST(SUM(x.orders) AS BIGINT) AS orders,
    CAST(SUM(x.net) AS DECIMAL(18, 4)) AS net,
    CAST(SUM(x.shipping_income) AS DECIMAL(18, 4)) AS shipping_income,
    CAST(SUM(x.cost) AS DECIMAL(18, 4)) AS cost,
    CAST(SUM(x.logistics) AS DECIMAL(18, 4)) AS logistics,
    CAST(SUM(x.fees) AS DECIMAL(18, 4)) AS fees,
    CAST(SUM(x.marketing) AS DECIMAL(18, 4)) AS marketing,
    CAST(SUM(x.net + x.shipping_income - x.cost - x.logistics - x.fees) AS DECIMAL(18, 4)) AS before_marketing,
    CAST(SUM(x.known_gross) AS DECIMAL(18, 2)) AS known_gross,
    CAST(SUM(x.gross) AS DECIMAL(18, 2)) AS gross
FROM (
    SELECT
        s.day AS day, s.channel AS channel, s.country AS country, s.orders AS orders, s.net AS net,
        s.shipping_income AS shipping_income, s.cost AS cost, 0 AS logistics, 0 AS fees, 0 AS marketing,
        s.known_gross AS known_gross, s.gross AS gross
    FROM model.daily_sales AS s
    JOIN run.days AS d ON d.day = s.day
    UNION ALL
    SELECT
        l.day AS day, l.channel AS channel, l.country AS country, 0 AS orders, 0 AS net, 0 AS shipping_income,
        0 AS cost, l.cost AS logistics, 0 AS fees, 0 AS marketing, 0 AS known_gross, 0 AS gross
    FROM model.logistics AS l
    JOIN run.days AS d ON d.day = l.day
    UNION ALL
    SELECT
        p.day AS day, p.channel AS channel, p.country AS country, 0 AS orders, 0 AS net, 0 AS shipping_income,
        0 AS cost, 0 AS logistics, p.fees AS fees, 0 AS marketing, 0 AS known_gross, 0 AS gross
    FROM model.payments AS p
    JOIN run.days AS d ON d.day = p.day
    UNION ALL
    SELECT
        m.day AS day, m.channel AS channel, 'unknown' AS country, 0 AS orders, 0 AS net, 0 AS shipping_income,
        0 AS cost, 0 AS logistics, 0 AS fees, m.cost AS marketing, 0 AS known_gross, 0 AS gross
    FROM model.marketing_costs AS m
    JOIN run.days AS d ON d.day = m.day
) AS x
GROUP BY x.day, x.channel, x.country
