/* ---
name: {fr: "Temps de cycle de commande", en: "Order cycle time"}
definition:
  fr: "Médiane des heures entre la commande et la livraison, pour chaque colis livré en 28 jours."
  en: "Median hours from order to delivery, of each parcel delivered in 28 days."
unit: hours
kind: window
window: 28
good: down
dimensions: [country, carrier]
action:
  fr: "Préparer plus vite ou changer de transporteur, selon l'étape qui s'allonge."
  en: "Pack faster or change carrier, depending on which step grew longer."
measured_by: [orders, parcels]
minimum: 0
since: 1
--- */
SELECT
    t.day AS day, t.dimension AS dimension, t.segment AS segment,
    t.lower_middle + t.upper_middle AS numerator,
    7200 AS denominator
FROM model.delivery_times AS t
JOIN run.days AS d ON d.day = t.day
WHERE t.step = 'order_cycle'
