/* ---
name: {fr: "CAC publicitaire", en: "Paid acquisition cost"}
definition:
  fr: "Dépenses publicitaires divisées par les nouveaux clients des canaux payants."
  en: "Ad spend divided by the new customers of paid channels."
unit: money
kind: ratio
good: down
dimensions: [channel]
action:
  fr: "Couper les campagnes qui n'amènent pas de nouveaux clients."
  en: "Cut campaigns that bring no new customers."
measured_by: [orders, sale_lines, ad_performance]
minimum: 0
tells_new: 1
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel,
    a.spend AS numerator,
    0 AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
UNION ALL
SELECT
    o.day AS day, o.first_channel AS channel,
    0 AS numerator,
    1 AS denominator
FROM model.customer_orders AS o
JOIN run.days AS d ON d.day = o.day
WHERE o.dimension = 'total' AND o.is_new
    AND o.first_channel IN ('Paid Search', 'Paid Social', 'Paid Shopping', 'Paid Video', 'Paid Other', 'Display', 'Cross-network')
