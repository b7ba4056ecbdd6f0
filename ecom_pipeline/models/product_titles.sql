/* ---
grain: a variant
description: The name a variant was last sold under; it holds for all days.
key: [shop, product_id]
scope: all
--- */
WITH newest AS (
    SELECT l.shop AS shop, l.product_id AS product_id, MAX(l.day) AS day
    FROM mapped.sale_lines AS l
    WHERE l.product_id IS NOT NULL
    GROUP BY l.shop, l.product_id
)
SELECT DATE '1900-01-01' AS day, t.shop AS shop, t.product_id AS product_id, t.product AS product
FROM (
    SELECT
        l.shop AS shop, l.product_id AS product_id, l.product AS product,
        ROW_NUMBER() OVER (
            PARTITION BY l.shop, l.product_id ORDER BY l.happened_at DESC NULLS LAST, l.line_id DESC
        ) AS place
    FROM mapped.sale_lines AS l
    JOIN newest AS n ON n.day = l.day AND n.shop = l.shop AND n.product_id = l.product_id
) AS t
WHERE t.place = 1
