/* ---
name: {fr: "Valeur vie client (LTV)", en: "Lifetime value"}
definition:
  fr: "Contribution avant marketing par client dans les 365 jours suivant sa première commande, pour les clients acquis il y a 365 à 730 jours."
  en: "Contribution before marketing per customer in the 365 days from the first order, for customers acquired 365 to 730 days ago."
unit: money
kind: window
window: 365
good: up
dimensions: [channel, country]
action:
  fr: "Fidélisation et rétention."
  en: "Loyalty and retention."
measured_by: [orders, sale_lines, restocks, products, shipments, payments]
touches:
  model.cohorts: {backward: -365, forward: 730}
rests_on: 730
young_until: 365
counts: {one: {fr: "client", en: "customer"}, many: {fr: "clients", en: "customers"}}
since: 1
--- */
SELECT
    d.day AS day, c.dimension AS dimension, c.segment AS segment,
    SUM(c.contribution) AS numerator,
    SUM(c.customers) AS denominator,
    SUM(c.known_gross) AS covered,
    SUM(c.gross) AS coverable
FROM run.days AS d
JOIN model.cohorts AS c
    ON c.day >= CAST(d.day - INTERVAL '730' DAY AS DATE)
    AND c.day <= CAST(d.day - INTERVAL '365' DAY AS DATE)
GROUP BY d.day, c.dimension, c.segment
HAVING SUM(c.customers) > 0
