/* ---
grain: a variant on a day its stock was read
description: What lay on the shelf at the day's end, as seen on the next morning, and its worth at the cost of that day in the reporting currency; what is oversold is no stock. Tells on each row how many shops were read that day.
key: [day, shop, product_id]
touches:
  model.product_costs: {after: true}
--- */
WITH shelves AS (
    SELECT
        t.day AS day, t.shop AS shop, t.product_id AS product_id, COALESCE(t.product, 'unknown') AS product,
        COALESCE(t.is_active, TRUE) AS is_active, t.on_hand AS on_hand, GREATEST(t.on_hand, 0) AS in_hand
    FROM mapped.stock_levels AS t
    JOIN run.days AS d ON d.day = t.day
    WHERE t.on_hand IS NOT NULL
), readings AS (
    SELECT h.day AS day, COUNT(DISTINCT h.shop) AS shops
    FROM shelves AS h
    GROUP BY h.day
)
SELECT
    h.day AS day, h.shop AS shop, h.product_id AS product_id, h.product AS product, h.is_active AS is_active,
    h.on_hand AS on_hand, h.in_hand AS in_hand,
    CASE WHEN c.unit_cost IS NULL THEN 0
         WHEN c.currency = s.currency THEN CAST(h.in_hand * c.unit_cost AS DECIMAL(18, 4))
         ELSE CAST(TO_REPORTING(h.in_hand * c.unit_cost, f.rate, f.reporting_rate) AS DECIMAL(18, 4)) END AS worth,
    r.shops AS shops
FROM shelves AS h
JOIN readings AS r ON r.day = h.day
CROSS JOIN config.shop AS s
LEFT JOIN model.product_costs AS c
    ON c.shop = h.shop AND c.product_id = h.product_id AND h.day >= c.day AND h.day < c.valid_until
LEFT JOIN model.fx_rates AS f ON f.day = h.day AND f.currency = c.currency
