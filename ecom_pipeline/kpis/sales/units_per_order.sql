/* ---
name: {fr: "Articles par commande", en: "Units per order"}
definition:
  fr: "Articles vendus divisés par le nombre de commandes."
  en: "Articles sold divided by orders."
unit: per_order
kind: ratio
good: up
dimensions: [channel, device, country, shop]
action:
  fr: "Proposer des lots et des articles complémentaires dans le panier."
  en: "Offer bundles and matching articles in the cart."
measured_by: [orders, sale_lines]
minimum: 0
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country, s.shop AS shop,
    s.units AS numerator,
    s.orders AS denominator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
