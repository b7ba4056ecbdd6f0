/* ---
name: {fr: "Délai de transport", en: "Time in transit"}
definition:
  fr: "Médiane des heures entre la remise au transporteur et la livraison, pour chaque colis livré en 28 jours."
  en: "Median hours from handing over to the carrier to delivery, of each parcel delivered in 28 days."
unit: hours
kind: window
window: 28
good: down
dimensions: [country, carrier]
action:
  fr: "Comparer les transporteurs par pays et en changer là où ils tardent."
  en: "Compare carriers by country and change where they are late."
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
WHERE t.step = 'in_transit'
