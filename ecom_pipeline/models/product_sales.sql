/* ---
grain: a day and a variant
description: Articles of a variant sold on a day, and what they cost in the reporting currency, less what went back on the shelf.
key: [day, shop, product_id]
--- */
SELECT
    l.day AS day, l.shop AS shop, l.product_id AS product_id,
    CAST(SUM(l.units) AS BIGINT) AS units,
    CAST(SUM(l.cost) AS DECIMAL(18, 4)) AS cost
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
WHERE l.product_id IS NOT NULL
GROUP BY l.day, l.shop, l.product_id
