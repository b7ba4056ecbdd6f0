/* ---
name: {fr: "Taux de réachat (RPR)", en: "Repeat purchase rate"}
definition:
  fr: "Clients ayant commandé au moins deux fois divisés par les clients ayant commandé, sur 365 jours."
  en: "Customers with at least two orders divided by customers with an order, over 365 days."
unit: percent
kind: window
window: 365
good: up
dimensions: [channel, country]
reference: {at_least: "0.30"}
action:
  fr: "Relancer après l'achat : programme de fidélité, rappels, réassort."
  en: "Follow up after the purchase: loyalty scheme, reminders, refills."
measured_by: [orders, sale_lines]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    a.day AS day, a.dimension AS dimension, a.segment AS segment,
    a.repeat_365 AS numerator,
    a.buyers_365 AS denominator
FROM model.customer_activity AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.buyers_365 > 0
