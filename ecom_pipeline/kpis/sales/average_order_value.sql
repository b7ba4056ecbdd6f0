/* ---
name: {fr: "Panier moyen", en: "Average order value"}
definition:
  fr: "Ventes après remises, hors taxes, divisées par le nombre de commandes."
  en: "Sales after discounts, without VAT, divided by orders."
unit: money
kind: ratio
good: up
dimensions: [channel, device, country, shop]
action:
  fr: "Montée en gamme, ventes croisées, lots, livraison offerte au-delà d'un seuil."
  en: "Upsell, cross-sell, bundles, free shipping above a threshold."
measured_by: [orders, sale_lines]
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country, s.shop AS shop,
    s.gross - s.discounts AS numerator,
    s.orders AS denominator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
