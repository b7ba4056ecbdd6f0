/* ---
grain: one line of what shop and customer agreed, or articles put back on the shelf
description: The ledger of sales in the reporting currency, each line on its own day with its order's dimensions. Articles sold count as gross and discounts; whatever is given back counts as returns; cost of goods is reversed when articles go back on the shelf. A credit note without any sale of its own (data of files know such) is given back too, its channel unknown; so is what is given back for an order older than the history.
key: [shop, line_id]
touches:
  model.orders: {through: order_day}
  model.product_costs: {after: true}
--- */
WITH lines AS (
    SELECT
        l.shop AS shop, l.order_id AS order_id, l.order_day AS order_day, l.line_id AS line_id, l.day AS day,
        l.action AS action, l.kind AS kind, l.product_id AS product_id, l.product AS product, l.quantity AS quantity,
        l.currency AS currency, l.gross AS amount, l.discount AS discount,
        l.kind = 'product' AND (l.gross > 0 OR l.quantity > 0) AS is_sold,
        l.kind = 'adjustment' OR (l.kind = 'product' AND NOT (l.gross > 0 OR l.quantity > 0)) AS is_returned,
        CASE WHEN l.kind = 'product' AND (l.gross > 0 OR l.quantity > 0) THEN l.quantity ELSE 0 END AS costed_quantity
    FROM mapped.sale_lines AS l
    JOIN run.days AS d ON d.day = l.day
    WHERE l.kind IN ('product', 'adjustment', 'shipping')
    UNION ALL
    SELECT
        r.shop AS shop, r.order_id AS order_id, r.order_day AS order_day,
        CONCAT('restock-', r.restock_id) AS line_id, r.day AS day,
        'restock' AS action, 'restock' AS kind, r.product_id AS product_id, NULL AS product, 0 AS quantity,
        s.currency AS currency, CAST(0 AS DECIMAL(18, 2)) AS amount, CAST(0 AS DECIMAL(18, 2)) AS discount,
        FALSE AS is_sold, FALSE AS is_returned, -r.quantity AS costed_quantity
    FROM mapped.restocks AS r
    JOIN run.days AS d ON d.day = r.day
    CROSS JOIN config.shop AS s
    WHERE r.restock_type IN ('returned', 'cancelled')
), bearers AS (
    SELECT o.shop AS shop, o.order_id AS order_id, o.day AS day, o.customer AS customer, o.channel AS channel,
        o.device AS device, o.country AS country
    FROM model.orders AS o
    UNION ALL
    SELECT n.shop AS shop, n.order_id AS order_id, n.day AS day, n.customer AS customer, 'Unassigned' AS channel,
        COALESCE(n.device, 'unknown') AS device, COALESCE(n.country, 'unknown') AS country
    FROM mapped.orders AS n
    JOIN run.days AS d ON d.day = n.day
    WHERE NOT COALESCE(n.is_test, FALSE) AND NOT COALESCE(n.is_voided, FALSE)
        AND NOT EXISTS (
            SELECT 1 FROM mapped.sale_lines AS s
            JOIN run.days AS e ON e.day = s.day
            WHERE s.day = n.day AND s.shop = n.shop AND s.order_id = n.order_id AND s.action = 'sale'
        )
    UNION ALL
    SELECT e.shop AS shop, e.order_id AS order_id, e.day AS day, e.customer AS customer, 'Unassigned' AS channel,
        COALESCE(e.device, 'unknown') AS device, COALESCE(e.country, 'unknown') AS country
    FROM mapped.orders AS e
    CROSS JOIN config.shop AS h
    WHERE e.day < h.history_start AND NOT COALESCE(e.is_test, FALSE) AND NOT COALESCE(e.is_voided, FALSE)
), priced AS (
    SELECT
        l.*,
        o.customer AS customer, o.channel AS channel, o.device AS device, o.country AS country,
        CASE WHEN l.currency = s.currency THEN l.amount
             ELSE TO_REPORTING(l.amount, f.rate, f.reporting_rate) END AS reporting_amount,
        CASE WHEN l.currency = s.currency THEN l.discount
             ELSE TO_REPORTING(l.discount, f.rate, f.reporting_rate) END AS reporting_discount,
        CASE WHEN c.currency = s.currency THEN CAST(l.costed_quantity * c.unit_cost AS DECIMAL(18, 4))
             ELSE CAST(TO_REPORTING(l.costed_quantity * c.unit_cost, g.rate, g.reporting_rate) AS DECIMAL(18, 4)) END AS cost
    FROM lines AS l
    JOIN bearers AS o ON o.shop = l.shop AND o.order_id = l.order_id AND o.day = l.order_day
    CROSS JOIN config.shop AS s
    LEFT JOIN model.fx_rates AS f ON f.day = l.day AND f.currency = l.currency
    LEFT JOIN model.product_costs AS c
        ON c.shop = l.shop AND c.product_id = l.product_id
        AND l.order_day >= c.day AND l.order_day < c.valid_until
    LEFT JOIN model.fx_rates AS g ON g.day = l.day AND g.currency = c.currency
)
SELECT
    p.day AS day, p.shop AS shop, p.order_id AS order_id, p.order_day AS order_day, p.line_id AS line_id,
    p.action AS action, p.kind AS kind, p.customer AS customer, p.channel AS channel, p.device AS device,
    p.country AS country, p.product_id AS product_id, COALESCE(p.product, 'unknown') AS product, p.currency AS currency,
    CASE WHEN p.is_sold THEN p.quantity ELSE 0 END AS units,
    CASE WHEN p.is_sold THEN p.reporting_amount WHEN p.reporting_amount IS NULL THEN NULL ELSE 0 END AS gross,
    CASE WHEN p.is_sold THEN p.reporting_discount WHEN p.reporting_amount IS NULL THEN NULL ELSE 0 END AS discounts,
    CASE WHEN p.is_returned THEN p.reporting_discount - p.reporting_amount ELSE 0 END AS returns,
    CASE WHEN p.kind = 'shipping' THEN p.reporting_amount - p.reporting_discount ELSE 0 END AS shipping_income,
    COALESCE(p.cost, 0) AS cost,
    p.cost IS NOT NULL OR p.kind = 'adjustment' AS is_known
FROM priced AS p
