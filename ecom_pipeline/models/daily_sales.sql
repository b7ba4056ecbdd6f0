/* ---
grain: a day, shop, channel, device and country
description: Sales of a day by segment, all additive - what most KPIs are made of.
key: [day, shop, channel, device, country]
--- */
SELECT
    x.day AS day, x.shop AS shop, x.channel AS channel, x.device AS device, x.country AS country,
    CAST(SUM(x.orders) AS BIGINT) AS orders,
    CAST(SUM(x.units) AS BIGINT) AS units,
    CAST(SUM(x.gross) AS DECIMAL(18, 2)) AS gross,
    CAST(SUM(x.discounts) AS DECIMAL(18, 2)) AS discounts,
    CAST(SUM(x.returns) AS DECIMAL(18, 2)) AS returns,
    CAST(SUM(x.gross) - SUM(x.discounts) - SUM(x.returns) AS DECIMAL(18, 2)) AS net,
    CAST(SUM(x.shipping_income) AS DECIMAL(18, 2)) AS shipping_income,
    CAST(SUM(x.cost) AS DECIMAL(18, 4)) AS cost,
    CAST(SUM(CASE WHEN x.is_known THEN x.gross ELSE 0 END) AS DECIMAL(18, 2)) AS known_gross,
    CAST(SUM(CASE WHEN x.is_known THEN x.gross - x.discounts - x.returns ELSE 0 END) AS DECIMAL(18, 2)) AS known_net
FROM (
    SELECT
        l.day AS day, l.shop AS shop, l.channel AS channel, l.device AS device, l.country AS country,
        0 AS orders, l.units AS units, l.gross AS gross, l.discounts AS discounts, l.returns AS returns,
        l.shipping_income AS shipping_income, l.cost AS cost, l.is_known AND l.kind <> 'shipping' AS is_known
    FROM model.sale_lines AS l
    JOIN run.days AS d ON d.day = l.day
    UNION ALL
    SELECT
        o.day AS day, o.shop AS shop, o.channel AS channel, o.device AS device, o.country AS country,
        1 AS orders, 0 AS units, 0 AS gross, 0 AS discounts, 0 AS returns,
        0 AS shipping_income, 0 AS cost, FALSE AS is_known
    FROM model.orders AS o
    JOIN run.days AS d ON d.day = o.day
) AS x
GROUP BY x.day, x.shop, x.channel, x.device, x.country
