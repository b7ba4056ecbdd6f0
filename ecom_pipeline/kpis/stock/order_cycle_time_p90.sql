/* ---
name: {fr: "Temps de cycle, 9 colis sur 10", en: "Order cycle time, 9 in 10 parcels"}
definition:
  fr: "Heures entre la commande et la livraison que neuf colis sur dix, livrés en 28 jours, n'ont pas dépassées."
  en: "Hours from order to delivery that nine in ten parcels delivered in 28 days did not exceed."
unit: hours
kind: window
window: 28
good: down
dimensions: [country, carrier]
action:
  fr: "Chercher ce que les colis les plus lents ont en commun : pays, transporteur, stock manquant."
  en: "Find what the slowest parcels share: country, carrier, missing stock."
measured_by: [orders, parcels]
minimum: 0
since: 1
--- */
SELECT
    t.day AS day, t.dimension AS dimension, t.segment AS segment,
    t.nine_in_ten AS numerator,
    3600 AS denominator
FROM model.delivery_times AS t
JOIN run.days AS d ON d.day = t.day
WHERE t.step = 'order_cycle'
