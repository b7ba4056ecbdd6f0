/* ---
grain: a movement of a payment processor's balance
description: Charges, refunds, payouts and fees in the reporting currency, with the dimensions of the order they belong to when it is known and valid. Empty order days are orders not known yet, or a number that orders of several shops bear; what concerns no order has a day before all others.
key: [provider, payment_id]
touches:
  model.orders: {through: order_day, naming: {order_reference: order_reference}}
  mapped.payment_orders: {through: order_day}
--- */
WITH converted AS (
    SELECT
        p.*,
        CASE WHEN p.currency = s.currency THEN p.amount ELSE TO_REPORTING(p.amount, f.rate, f.reporting_rate) END
            AS reporting_amount,
        CASE WHEN p.currency = s.currency THEN p.fee ELSE TO_REPORTING(p.fee, f.rate, f.reporting_rate) END AS reporting_fee
    FROM mapped.payments AS p
    JOIN run.days AS d ON d.day = p.day
    CROSS JOIN config.shop AS s
    LEFT JOIN model.fx_rates AS f ON f.day = p.day AND f.currency = p.currency
), named AS (
    SELECT l.provider AS provider, l.source_id AS source_id, l.charge_id AS charge_id,
        l.order_reference AS order_reference
    FROM mapped.payment_orders AS l
    WHERE l.source_id IN (SELECT c.source_id FROM converted AS c)
), charged AS (
    SELECT l.provider AS provider, l.source_id AS source_id, l.order_reference AS order_reference
    FROM mapped.payment_orders AS l
    WHERE l.source_id IN (SELECT n.charge_id FROM named AS n)
), links AS (
    SELECT n.provider AS provider, n.source_id AS source_id,
        COALESCE(n.order_reference, c.order_reference) AS order_reference
    FROM named AS n
    LEFT JOIN charged AS c ON c.provider = n.provider AND c.source_id = n.charge_id
), orders_by_reference AS (
    SELECT
        o.order_reference AS order_reference, MIN(o.day) AS order_day, MIN(o.customer) AS customer,
        MIN(o.channel) AS channel, MIN(o.country) AS country
    FROM model.orders AS o
    WHERE o.order_reference IN (SELECT l.order_reference FROM links AS l)
    GROUP BY o.order_reference
    HAVING COUNT(*) = 1
)
SELECT
    c.day AS day, c.provider AS provider, c.payment_id AS payment_id, c.type AS type, c.source_id AS source_id,
    CASE WHEN c.type IN ('charge', 'refund', 'adjustment') THEN o.order_day ELSE DATE '1900-01-01' END AS order_day,
    l.order_reference AS order_reference, o.customer AS customer,
    COALESCE(o.channel, 'Unassigned') AS channel, COALESCE(o.country, 'unknown') AS country,
    CASE WHEN c.type = 'charge' THEN c.reporting_amount ELSE 0 END AS captured,
    c.reporting_fee - CASE WHEN c.type = 'fee' THEN c.reporting_amount ELSE 0 END AS fees,
    c.reporting_amount - c.reporting_fee AS net
FROM converted AS c
LEFT JOIN links AS l ON l.provider = c.provider AND l.source_id = c.source_id
LEFT JOIN orders_by_reference AS o ON o.order_reference = l.order_reference
