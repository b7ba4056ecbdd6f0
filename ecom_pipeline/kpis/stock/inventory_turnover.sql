/* ---
name: {fr: "Rotation des stocks", en: "Inventory turnover"}
definition:
  fr: "Coût des ventes sur 365 jours divisé par le stock moyen au coût, sur les jours où il a été lu ; montrée dès qu'il l'a été quatre semaines."
  en: "Cost of goods sold over 365 days divided by the mean stock at cost, over the days on which it was read; shown once these are four weeks."
unit: multiple
kind: window
window: 365
good: up
dimensions: [product]
action:
  fr: "Réduire le stock dormant : acheter moins et plus souvent, démarquer les invendus."
  en: "Cut sleeping stock: buy less and more often, mark down what does not sell."
measured_by: [orders, sale_lines, restocks, products, stock_levels]
snapshots: [stock_levels]
since: 1
--- */
WITH cuts AS (
    SELECT w.day AS day, 'total' AS dimension, '' AS segment, w.cost_365 AS cost, w.worth_365 AS worth,
        w.read_365 AS days
    FROM model.stock_windows AS w
    UNION ALL
    SELECT w.day AS day, 'product' AS dimension, w.product AS segment, w.cost_365 AS cost, w.worth_365 AS worth,
        w.read_365 AS days
    FROM model.stock_windows AS w
)
SELECT
    c.day AS day, c.dimension AS dimension, c.segment AS segment,
    SUM(c.cost) * MAX(c.days) AS numerator,
    SUM(c.worth) AS denominator,
    LEAST(MAX(c.days), 28) AS covered,
    28 AS coverable
FROM cuts AS c
JOIN run.days AS d ON d.day = c.day
GROUP BY c.day, c.dimension, c.segment
HAVING SUM(c.worth) > 0
