/* ---
grain: a day, a shop, the day its platform gives the same lines, and a kind of line
description: What a shop's platform counts as sales, before tax and its tax, in the reporting currency; gift cards sold are not among them. Articles of orders that do not count here (only a gift card was bought) are of the kind uncounted.
key: [day, shop, platform_day, kind]
touches:
  mapped.orders: {through: order_day}
--- */
WITH counted AS (
    SELECT n.day AS day, n.shop AS shop, n.line_id AS line_id, n.gross AS gross, n.discounts AS discounts,
        n.returns AS returns, n.shipping_income AS shipping_income
    FROM model.sale_lines AS n
    JOIN run.days AS d ON d.day = n.day
), told AS (
    SELECT
        l.day AS day, l.shop AS shop,
        CASE WHEN p.time_zone IS NULL THEN l.day ELSE COALESCE(LOCAL_DAY(l.happened_at, p.time_zone), l.day) END
            AS platform_day,
        CASE WHEN l.kind IN ('product', 'adjustment') AND s.line_id IS NULL THEN 'uncounted' ELSE l.kind END AS kind,
        CASE WHEN l.kind IN ('product', 'adjustment') AND s.line_id IS NOT NULL THEN s.gross - s.discounts - s.returns
             WHEN l.kind = 'shipping' AND s.line_id IS NOT NULL THEN s.shipping_income
             WHEN l.currency = c.currency THEN l.gross - l.discount
             ELSE TO_REPORTING(l.gross - l.discount, f.rate, f.reporting_rate) END AS net,
        CASE WHEN l.currency = c.currency THEN l.tax ELSE TO_REPORTING(l.tax, f.rate, f.reporting_rate) END AS tax
    FROM mapped.sale_lines AS l
    JOIN run.days AS d ON d.day = l.day
    JOIN mapped.orders AS o ON o.day = l.order_day AND o.shop = l.shop AND o.order_id = l.order_id
    CROSS JOIN config.shop AS c
    LEFT JOIN counted AS s ON s.shop = l.shop AND s.line_id = l.line_id AND s.day = l.day
    LEFT JOIN config.platforms AS p ON p.shop = l.shop
    LEFT JOIN model.fx_rates AS f ON f.day = l.day AND f.currency = l.currency
    WHERE NOT COALESCE(o.is_test, FALSE) AND NOT COALESCE(o.is_voided, FALSE) AND l.kind <> 'gift_card'
)
SELECT
    l.day AS day, l.shop AS shop, l.platform_day AS platform_day, l.kind AS kind,
    CAST(SUM(l.net) AS DECIMAL(18, 2)) AS net,
    CAST(SUM(l.tax) AS DECIMAL(18, 2)) AS tax
FROM told AS l
GROUP BY l.day, l.shop, l.platform_day, l.kind
