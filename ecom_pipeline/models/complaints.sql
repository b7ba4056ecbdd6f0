/* ---
grain: a complaint
description: Tickets that are complaints on the day they were made, with the channel of the order they name - the newest of that number placed before the ticket. Empty order days are orders not known yet; a ticket that names none has a day before all others.
key: [desk, ticket_id]
touches:
  mapped.orders: {through: order_day, naming: {order_number: "COALESCE(order_number, order_reference)"}}
  model.orders: {through: order_day}
--- */
WITH made AS (
    SELECT t.*
    FROM mapped.tickets AS t
    JOIN run.days AS d ON d.day = t.day
    WHERE t.is_complaint
), named AS (
    SELECT
        m.desk AS desk, m.ticket_id AS ticket_id, o.shop AS shop, o.order_id AS order_id, o.day AS order_day,
        ROW_NUMBER() OVER (
            PARTITION BY m.desk, m.ticket_id ORDER BY o.ordered_at DESC, o.shop, o.order_id
        ) AS place
    FROM made AS m
    JOIN mapped.orders AS o
        ON COALESCE(o.order_number, o.order_reference) = m.order_number AND o.ordered_at <= m.created_at
)
SELECT
    m.day AS day, m.desk AS desk, m.ticket_id AS ticket_id,
    CASE WHEN m.order_number IS NULL THEN DATE '1900-01-01' ELSE n.order_day END AS order_day,
    m.order_number AS order_number,
    COALESCE(o.channel, 'Unassigned') AS channel
FROM made AS m
LEFT JOIN named AS n ON n.desk = m.desk AND n.ticket_id = m.ticket_id AND n.place = 1
LEFT JOIN model.orders AS o ON o.shop = n.shop AND o.order_id = n.order_id AND o.day = n.order_day
