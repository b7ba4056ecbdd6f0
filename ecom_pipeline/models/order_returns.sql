/* ---
grain: a day orders were placed, a product and a country
description: What was sold on a day and how much of it came back since, by the day of the order; wholly cancelled orders are left out.
key: [day, product, country]
touches:
  model.sale_lines: {column: order_day}
--- */
SELECT
    o.day AS day, l.product AS product, o.country AS country,
    CAST(SUM(CASE WHEN l.gross > 0 OR l.units > 0 THEN l.gross - l.discounts ELSE 0 END) AS DECIMAL(18, 2)) AS sold,
    CAST(SUM(CASE WHEN l.action = 'refund' THEN l.returns ELSE 0 END) AS DECIMAL(18, 2)) AS returned
FROM model.orders AS o
JOIN run.days AS d ON d.day = o.day
JOIN model.sale_lines AS l ON l.shop = o.shop AND l.order_id = o.order_id AND l.order_day = o.day
WHERE NOT o.is_cancelled AND l.kind = 'product'
GROUP BY o.day, l.product, o.country
