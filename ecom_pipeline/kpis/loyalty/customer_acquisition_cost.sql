/* ---
name: {fr: "Coût d'acquisition client (CAC)", en: "Customer acquisition cost"}
definition:
  fr: "Tous les coûts de marketing divisés par les nouveaux clients."
  en: "All marketing cost divided by new customers."
unit: money
kind: ratio
good: down
dimensions: [channel]
action:
  fr: "Changer d'audience ou de canal."
  en: "Change audience or channel."
measured_by: [orders, sale_lines, ad_performance]
minimum: 0
tells_new: 1
since: 1
--- */
SELECT
    m.day AS day, m.channel AS channel,
    m.cost AS numerator,
    0 AS denominator
FROM model.marketing_costs AS m
JOIN run.days AS d ON d.day = m.day
UNION ALL
SELECT
    o.day AS day, o.first_channel AS channel,
    0 AS numerator,
    1 AS denominator
FROM model.customer_orders AS o
JOIN run.days AS d ON d.day = o.day
WHERE o.dimension = 'total' AND o.is_new
