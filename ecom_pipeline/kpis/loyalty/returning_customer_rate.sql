/* ---
name: {fr: "Taux de retour client", en: "Returning customer rate"}
definition:
  fr: "Acheteurs des 28 jours ayant commandé avant cette période divisés par les acheteurs."
  en: "Buyers of the 28 days who had ordered before them, divided by buyers."
unit: percent
kind: window
window: 28
good: up
dimensions: [channel, country]
action:
  fr: "Animer la base de clients existants."
  en: "Engage the existing customer base."
measured_by: [orders, sale_lines]
minimum: 0
maximum: 1
tells_new: 1
since: 1
--- */
SELECT
    a.day AS day, a.dimension AS dimension, a.segment AS segment,
    a.returning_28 AS numerator,
    a.buyers_28 AS denominator
FROM model.customer_activity AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.buyers_28 > 0
