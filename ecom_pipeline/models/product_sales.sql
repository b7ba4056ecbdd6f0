/* ---
grain: a day, shop, product and country
description: Sales of a day by article; goodwill without an article stands under the product "unknown".
key: [day, shop, product, country]
--- */
SELECT
    l.day AS day, l.shop AS shop, COALESCE(t.product, l.product) AS product, l.country AS country,
    CAST(SUM(l.gross) AS DECIMAL(18, 2)) AS gross,
    CAST(SUM(l.gross) - SUM(l.discounts) - SUM(l.returns) AS DECIMAL(18, 2)) AS net,
    CAST(SUM(CASE WHEN l.is_known THEN l.gross ELSE 0 END) AS DECIMAL(18, 2)) AS known_gross,
    CAST(SUM(CASE WHEN l.is_known THEN l.gross - l.discounts - l.returns ELSE 0 END) AS DECIMAL(18, 2)) AS known_net,
    CAST(SUM(l.cost) AS DECIMAL(18, 4)) AS cost
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
LEFT JOIN (
    SELECT r.shop AS shop, r.restock_id AS restock_id, MIN(s.product) AS product
    FROM mapped.restocks AS r
    JOIN run.days AS d ON d.day = r.day
    JOIN mapped.sale_lines AS s
        ON s.shop = r.shop AND s.order_id = r.order_id AND s.day = r.order_day AND s.product_id = r.product_id
    GROUP BY r.shop, r.restock_id
) AS t ON l.kind = 'restock' AND t.shop = l.shop AND CONCAT('restock-', t.restock_id) = l.line_id
WHERE l.kind <> 'shipping'
GROUP BY l.day, l.shop, COALESCE(t.product, l.product), l.country
