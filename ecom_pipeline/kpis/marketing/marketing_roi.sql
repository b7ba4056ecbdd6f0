/* ---
name: {fr: "ROI marketing", en: "Marketing ROI"}
definition:
  fr: "Contribution avant marketing moins marketing, divisée par le marketing : un profit après tous les coûts, non un chiffre d'affaires."
  en: "Contribution before marketing less marketing, divided by marketing: profit after all costs, not revenue."
unit: percent
kind: ratio
good: up
dimensions: [channel]
reference: {at_least: "0"}
action:
  fr: "Déplacer le budget vers les canaux qui gagnent de l'argent après tous les coûts."
  en: "Move budget to channels that earn money after all costs."
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
since: 1
--- */
SELECT
    c.day AS day, c.channel AS channel,
    c.before_marketing - c.marketing AS numerator,
    c.marketing AS denominator,
    c.known_gross AS covered,
    c.gross AS coverable
FROM model.contribution AS c
JOIN run.days AS d ON d.day = c.day
