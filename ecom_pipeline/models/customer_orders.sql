/* ---
grain: an order of a known customer, once in total and once in each of its segments
description: Valid, not wholly cancelled orders of known customers, with the days of the customer's previous orders (within the segment) and what their first order ever was.
key: [dimension, shop, order_id]
scope: customer
--- */
WITH counted AS (
    SELECT
        o.*,
        FIRST_VALUE(o.day) OVER w AS first_day,
        FIRST_VALUE(o.channel) OVER w AS first_channel,
        FIRST_VALUE(o.device) OVER w AS first_device,
        FIRST_VALUE(o.country) OVER w AS first_country,
        ROW_NUMBER() OVER w AS order_number
    FROM model.orders AS o
    JOIN run.customers AS c ON c.customer = o.customer
    WHERE NOT o.is_cancelled
    WINDOW w AS (PARTITION BY o.customer ORDER BY o.ordered_at, LENGTH(o.order_id), o.order_id)
), segmented AS (
    SELECT 'total' AS dimension, '' AS segment, k.* FROM counted AS k
    UNION ALL
    SELECT 'channel' AS dimension, k.channel AS segment, k.* FROM counted AS k
    UNION ALL
    SELECT 'country' AS dimension, k.country AS segment, k.* FROM counted AS k
)
SELECT
    s.day AS day, s.dimension AS dimension, s.segment AS segment, s.customer AS customer, s.shop AS shop,
    s.order_id AS order_id, s.order_number AS order_number,
    LAG(s.day) OVER q AS previous_day,
    LAG(s.day, 2) OVER q AS second_previous_day,
    s.first_day AS first_day, s.first_channel AS first_channel, s.first_device AS first_device,
    s.first_country AS first_country,
    s.order_number = 1 AND s.first_day >= t.complete_since AS is_new
FROM segmented AS s
CROSS JOIN config.shop AS t
WINDOW q AS (PARTITION BY s.dimension, s.segment, s.customer ORDER BY s.ordered_at, LENGTH(s.order_id), s.order_id)
