/* ---
name: {fr: "Délai d'expédition", en: "Time to ship"}
definition:
  fr: "Médiane des heures entre la commande et la remise au transporteur, pour chaque colis livré en 28 jours."
  en: "Median hours from order to handing over to the carrier, of each parcel delivered in 28 days."
unit: hours
kind: window
window: 28
good: down
dimensions: [country]
action:
  fr: "Revoir l'heure limite de préparation et les effectifs de l'entrepôt."
  en: "Review the packing cut-off and the warehouse's staffing."
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
WHERE t.step = 'to_ship'
