/* ---
name: {fr: "Coût logistique par commande", en: "Logistics cost per order"}
definition:
  fr: "Expédition, préparation, emballage et fret des retours, divisés par les commandes expédiées."
  en: "Shipping, fulfilment, packaging and return freight, divided by shipped orders."
unit: money
kind: ratio
good: down
dimensions: [country]
action:
  fr: "Renégocier les tarifs des transporteurs ; relever le seuil de livraison offerte."
  en: "Renegotiate carrier rates; raise the free-shipping threshold."
measured_by: [orders, sale_lines, shipments]
minimum: 0
since: 1
--- */
SELECT
    l.day AS day, l.country AS country,
    l.cost AS numerator,
    l.shipped_orders AS denominator
FROM model.logistics AS l
JOIN run.days AS d ON d.day = l.day
