/* ---
name: {fr: "Nouveaux clients", en: "New customers"}
definition:
  fr: "Clients dont la première commande valide tombe dans la période."
  en: "Customers whose first valid order falls in the period."
unit: count
kind: flow
good: up
dimensions: [channel, device, country]
measured_by: [orders, sale_lines]
minimum: 0
tells_new: 1
since: 1
--- */
SELECT
    o.day AS day, o.first_channel AS channel, o.first_device AS device, o.first_country AS country,
    1 AS numerator
FROM model.customer_orders AS o
JOIN run.days AS d ON d.day = o.day
WHERE o.dimension = 'total' AND o.is_new
