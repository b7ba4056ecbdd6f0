/* ---
name: {fr: "Marge contributive par commande", en: "Contribution margin per order"}
definition:
  fr: "Marge contributive divisée par le nombre de commandes."
  en: "Contribution margin divided by orders."
unit: money
kind: ratio
good: up
dimensions: [channel, country]
reference: {at_least: "0"}
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
since: 1
--- */
SELECT
    c.day AS day, c.channel AS channel, c.country AS country,
    c.before_marketing - c.marketing AS numerator,
    c.orders AS denominator,
    c.known_gross AS covered,
    c.gross AS coverable
FROM model.contribution AS c
JOIN run.days AS d ON d.day = c.day
