/* ---
grain: a parcel that left or came back
description: What sending and taking back parcels cost, by the rates of ecom.toml, with the order's dimensions; an order counts as shipped with its first parcel. Parcels that left bear its number once more, by which its other parcels are found.
key: [shop, parcel_id]
touches:
  mapped.shipments: {naming: {sent_order_id: order_id}, sharing: sent_order_id}
  model.orders: {through: order_day}
--- */
WITH sent AS (
    SELECT s.*
    FROM mapped.shipments AS s
    JOIN run.days AS d ON d.day = s.day
), numbered AS (
    SELECT
        e.day AS day, e.shop AS shop, e.order_id AS order_id, e.order_day AS order_day, e.shipment_id AS shipment_id,
        ROW_NUMBER() OVER (PARTITION BY e.shop, e.order_id ORDER BY e.shipped_at, e.shipment_id) AS place
    FROM mapped.shipments AS e
    WHERE e.order_day IN (SELECT s.order_day FROM sent AS s)
), parcels AS (
    SELECT
        n.shop AS shop, n.order_id AS order_id, n.order_day AS order_day,
        CONCAT('out-', n.shipment_id) AS parcel_id, n.day AS day, FALSE AS is_return,
        CASE WHEN n.place = 1 THEN 1 ELSE 0 END AS shipped_orders
    FROM numbered AS n
    JOIN run.days AS d ON d.day = n.day
    UNION ALL
    SELECT
        r.shop AS shop, r.order_id AS order_id, r.order_day AS order_day,
        CONCAT('back-', r.refund_id) AS parcel_id, r.day AS day, TRUE AS is_return, 0 AS shipped_orders
    FROM mapped.restocks AS r
    JOIN run.days AS d ON d.day = r.day
    WHERE r.restock_type = 'returned' AND r.quantity > 0
    GROUP BY r.shop, r.order_id, r.order_day, r.refund_id, r.day
)
SELECT
    p.day AS day, p.shop AS shop, p.parcel_id AS parcel_id, p.order_id AS order_id, p.order_day AS order_day,
    CASE WHEN NOT p.is_return THEN p.order_id END AS sent_order_id,
    o.customer AS customer, o.channel AS channel, o.device AS device, o.country AS country,
    CAST(CASE WHEN p.is_return THEN COALESCE(r.return_freight, e.return_freight, 0)
              ELSE COALESCE(r.per_shipment, e.per_shipment, 0) END AS DECIMAL(18, 4)) AS cost,
    p.shipped_orders AS shipped_orders
FROM parcels AS p
JOIN model.orders AS o ON o.shop = p.shop AND o.order_id = p.order_id AND o.day = p.order_day
LEFT JOIN config.logistics_rates AS r ON r.country = o.country
LEFT JOIN config.logistics_rates AS e ON e.country = '*'
