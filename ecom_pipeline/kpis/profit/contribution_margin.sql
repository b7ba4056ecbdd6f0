/* ---
name: {fr: "Marge contributive", en: "Contribution margin"}
definition:
  fr: "Chiffre d'affaires net et frais de port encaissés, moins marchandises, logistique, frais de paiement et marketing."
  en: "Net sales and shipping income, less cost of goods, logistics, payment fees and marketing."
unit: money
kind: flow
good: up
dimensions: [channel, country]
reference: {at_least: "0"}
action:
  fr: "Chercher lequel des postes l'a entamée : remises, coûts, logistique ou publicité."
  en: "Find which part ate it: discounts, costs, logistics or advertising."
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
since: 1
--- */
SELECT
    c.day AS day, c.channel AS channel, c.country AS country,
    c.before_marketing - c.marketing AS numerator,
    c.known_gross AS covered,
    c.gross AS coverable
FROM model.contribution AS c
JOIN run.days AS d ON d.day = c.day
