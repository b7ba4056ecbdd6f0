/* ---
name: {fr: "Commandes", en: "Orders"}
definition:
  fr: "Commandes valides : ni test, ni annulées avant paiement, ni supprimées, avec au moins un article."
  en: "Valid orders: no tests, none voided before payment or deleted, with at least one article."
unit: count
kind: flow
good: up
dimensions: [channel, device, country, shop]
measured_by: [orders, sale_lines]
minimum: 0
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country, s.shop AS shop,
    s.orders AS numerator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
