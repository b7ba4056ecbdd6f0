/* ---
name: {fr: "Taux d'écoulement", en: "Sell-through"}
definition:
  fr: "Unités vendues en 28 jours divisées par ce qu'il y avait à vendre : le stock d'ouverture et les réceptions, soit les ventes plus le stock de clôture."
  en: "Units sold in 28 days divided by what there was to sell: opening stock and receipts, which is sales plus closing stock."
unit: percent
kind: window
window: 28
good: up
dimensions: [product]
action:
  fr: "Mettre en avant ou démarquer ce qui ne part pas ; racheter ce qui part."
  en: "Promote or mark down what does not move; buy more of what does."
measured_by: [orders, sale_lines, stock_levels]
snapshots: [stock_levels]
minimum: 0
maximum: 1
since: 1
--- */
WITH cuts AS (
    SELECT w.day AS day, 'total' AS dimension, '' AS segment, w.units_28 AS units, w.in_hand AS in_hand
    FROM model.stock_windows AS w
    UNION ALL
    SELECT w.day AS day, 'product' AS dimension, w.product AS segment, w.units_28 AS units, w.in_hand AS in_hand
    FROM model.stock_windows AS w
)
SELECT
    c.day AS day, c.dimension AS dimension, c.segment AS segment,
    SUM(c.units) AS numerator,
    SUM(c.units) + SUM(c.in_hand) AS denominator
FROM cuts AS c
JOIN run.days AS d ON d.day = c.day
GROUP BY c.day, c.dimension, c.segment
HAVING SUM(c.units) + SUM(c.in_hand) > 0
