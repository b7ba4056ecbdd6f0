/* ---
grain: a variant on a day its stock was read
description: What was sold of a variant, and how its stock stood, in the 28 and the 365 days ending with the day. Stock is taken of days on which as many shops were read as on the day itself; read_28 and read_365 count them. A window that begins before the history is empty.
key: [day, shop, product_id]
touches:
  model.stock_days: {forward: 364}
  model.product_sales: {forward: 364}
--- */
WITH seen AS (
    SELECT
        v.day AS day, v.shop AS shop, v.product_id AS product_id, v.product AS product, v.is_active AS is_active,
        v.in_hand AS in_hand, v.shops AS shops,
        CAST(v.day - INTERVAL '27' DAY AS DATE) AS month_start,
        CAST(v.day - INTERVAL '364' DAY AS DATE) AS year_start
    FROM model.stock_days AS v
    JOIN run.days AS d ON d.day = v.day
), readings AS (
    SELECT DISTINCT v.day AS day, v.shops AS shops
    FROM model.stock_days AS v
), counted AS (
    SELECT
        n.day AS day,
        SUM(CASE WHEN r.day >= CAST(n.day - INTERVAL '27' DAY AS DATE) THEN 1 ELSE 0 END) AS read_28,
        COUNT(*) AS read_365
    FROM readings AS n
    JOIN run.days AS d ON d.day = n.day
    JOIN readings AS r
        ON r.shops = n.shops AND r.day <= n.day AND r.day >= CAST(n.day - INTERVAL '364' DAY AS DATE)
    GROUP BY n.day
), held AS (
    SELECT
        v.day AS day, v.shop AS shop, v.product_id AS product_id,
        SUM(w.worth) AS worth_365,
        SUM(CASE WHEN w.day >= v.month_start THEN COALESCE(p.units, 0) ELSE 0 END) AS units_read_28,
        SUM(CASE WHEN w.day >= v.month_start AND (w.in_hand > 0 OR p.units > 0) THEN 1 ELSE 0 END)
            AS in_stock_28
    FROM seen AS v
    JOIN model.stock_days AS w
        ON w.shop = v.shop AND w.product_id = v.product_id AND w.shops = v.shops
        AND w.day <= v.day AND w.day >= v.year_start
    LEFT JOIN model.product_sales AS p
        ON p.shop = w.shop AND p.product_id = w.product_id AND p.day = w.day
    GROUP BY v.day, v.shop, v.product_id
), sold AS (
    SELECT
        v.day AS day, v.shop AS shop, v.product_id AS product_id,
        SUM(CASE WHEN p.day >= v.month_start THEN p.units ELSE 0 END) AS units_28,
        SUM(p.cost) AS cost_365
    FROM seen AS v
    JOIN model.product_sales AS p
        ON p.shop = v.shop AND p.product_id = v.product_id AND p.day <= v.day AND p.day >= v.year_start
    GROUP BY v.day, v.shop, v.product_id
)
SELECT
    v.day AS day, v.shop AS shop, v.product_id AS product_id, v.product AS product, v.is_active AS is_active,
    v.in_hand AS in_hand,
    CAST(c.read_28 AS BIGINT) AS read_28, CAST(c.read_365 AS BIGINT) AS read_365,
    CAST(h.in_stock_28 AS BIGINT) AS in_stock_28, CAST(h.units_read_28 AS BIGINT) AS units_read_28,
    CASE WHEN v.month_start >= g.history_start THEN CAST(COALESCE(s.units_28, 0) AS BIGINT) END AS units_28,
    CAST(h.worth_365 AS DECIMAL(38, 4)) AS worth_365,
    CASE WHEN v.year_start >= g.history_start THEN CAST(COALESCE(s.cost_365, 0) AS DECIMAL(38, 4)) END AS cost_365
FROM seen AS v
CROSS JOIN config.shop AS g
JOIN counted AS c ON c.day = v.day
JOIN held AS h ON h.day = v.day AND h.shop = v.shop AND h.product_id = v.product_id
LEFT JOIN sold AS s ON s.day = v.day AND s.shop = v.shop AND s.product_id = v.product_id
