/* ---
name: {fr: "Fréquence d'achat", en: "Purchase frequency"}
definition:
  fr: "Commandes divisées par acheteurs, sur 365 jours."
  en: "Orders divided by buyers, over 365 days."
unit: per_order
kind: window
window: 365
good: up
dimensions: [channel, country]
measured_by: [orders, sale_lines]
minimum: 1
since: 1
--- */
SELECT
    a.day AS day, a.dimension AS dimension, a.segment AS segment,
    a.orders_365 AS numerator,
    a.buyers_365 AS denominator
FROM model.customer_activity AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.buyers_365 > 0
