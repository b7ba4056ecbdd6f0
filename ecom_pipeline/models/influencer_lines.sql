/* ---
grain: a line of an order that an influencer brought
description: Sales and returns of orders that bear an influencer's discount code or, without one, her campaign tag, and her commission on each line, on the line's day. An order belongs to one influencer at most; one placed before or after her agreement is not hers.
key: [shop, line_id]
touches:
  mapped.orders: {through: order_day}
--- */
WITH bearing AS (
    SELECT
        o.shop AS shop, o.order_id AS order_id, o.day AS order_day,
        COALESCE(c.name, u.name) AS influencer, COALESCE(c.commission, u.commission) AS commission
    FROM mapped.orders AS o
    LEFT JOIN config.influencers AS c
        ON c.kind = 'code' AND c.tag = LOWER(TRIM(o.discount_code))
        AND o.day >= c.first_day AND o.day <= COALESCE(c.last_day, o.day)
    LEFT JOIN config.influencers AS u
        ON u.kind = 'utm_campaign' AND u.tag = LOWER(TRIM(o.utm_campaign))
        AND o.day >= u.first_day AND o.day <= COALESCE(u.last_day, o.day)
    WHERE COALESCE(c.name, u.name) IS NOT NULL
)
SELECT
    l.day AS day, l.shop AS shop, l.line_id AS line_id, l.order_day AS order_day, b.influencer AS influencer,
    l.gross - l.discounts - l.returns AS net,
    CAST((l.gross - l.discounts - l.returns) * b.commission AS DECIMAL(18, 4)) AS commission
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
JOIN bearing AS b ON b.shop = l.shop AND b.order_id = l.order_id AND b.order_day = l.order_day
WHERE l.kind IN ('product', 'adjustment')
