/* ---
grain: a parcel that reached its customer
description: Parcels on the day they arrived, with how long each step took in seconds. An order is found by its shop and the number people see; where the shop is not told, it is the newest of that number placed before the label was made. Empty order days are orders not known yet; a parcel without a number has a day before all others.
key: [platform, parcel_id]
touches:
  mapped.parcels: {column: delivered_day}
  mapped.orders: {through: order_day, naming: {order_number: "COALESCE(order_number, order_reference)"}}
--- */
WITH arrived AS (
    SELECT p.*
    FROM mapped.parcels AS p
    JOIN run.days AS d ON d.day = p.delivered_day
    WHERE NOT p.is_return
), placed AS (
    SELECT
        a.platform AS platform, a.parcel_id AS parcel_id, o.day AS order_day, o.ordered_at AS ordered_at,
        ROW_NUMBER() OVER (
            PARTITION BY a.platform, a.parcel_id ORDER BY o.ordered_at DESC, o.shop, o.order_id
        ) AS place
    FROM arrived AS a
    JOIN mapped.orders AS o
        ON COALESCE(o.order_number, o.order_reference) = a.order_number
        AND o.shop = COALESCE(a.shop, o.shop) AND o.ordered_at <= a.announced_at
    WHERE NOT COALESCE(o.is_test, FALSE)
)
SELECT
    a.delivered_day AS day, a.platform AS platform, a.parcel_id AS parcel_id,
    CASE WHEN a.order_number IS NULL THEN DATE '1900-01-01' ELSE o.order_day END AS order_day,
    a.order_number AS order_number,
    COALESCE(a.country, 'unknown') AS country, COALESCE(a.carrier, 'unknown') AS carrier,
    DATE_DIFF('second', o.ordered_at, a.shipped_at) AS to_ship,
    DATE_DIFF('second', a.shipped_at, a.delivered_at) AS in_transit,
    DATE_DIFF('second', o.ordered_at, a.delivered_at) AS order_cycle
FROM arrived AS a
LEFT JOIN placed AS o ON o.platform = a.platform AND o.parcel_id = a.parcel_id AND o.place = 1
