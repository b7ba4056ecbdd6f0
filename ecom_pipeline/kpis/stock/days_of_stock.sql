/* ---
name: {fr: "Couverture de stock", en: "Days of stock"}
definition:
  fr: "Unités en stock des articles en vente, divisées par leurs ventes par jour en stock sur 28 jours ; montrée dès que le stock a été lu quatre semaines."
  en: "Units on hand of articles on sale, divided by what they sold per in-stock day over 28 days; shown once stock was read for four weeks."
unit: days
kind: window
window: 28
good: neutral
dimensions: [product]
action:
  fr: "Sous le délai du fournisseur : commander. Au-delà d'un trimestre : freiner les achats."
  en: "Below the supplier's lead time: order. Beyond a quarter: buy less."
measured_by: [orders, sale_lines, stock_levels]
snapshots: [stock_levels]
minimum: 0
since: 1
--- */
WITH on_sale AS (
    SELECT w.day AS day, w.product AS product, w.in_hand AS in_hand, w.in_stock_28 AS in_stock,
        w.units_read_28 AS units, w.read_28 AS days
    FROM model.stock_windows AS w
    JOIN run.days AS d ON d.day = w.day
    WHERE w.is_active
), cuts AS (
    SELECT o.day AS day, 'total' AS dimension, '' AS segment, o.in_hand AS in_hand, o.in_stock AS in_stock,
        o.units AS units, o.days AS days
    FROM on_sale AS o
    UNION ALL
    SELECT o.day AS day, 'product' AS dimension, o.product AS segment, o.in_hand AS in_hand,
        o.in_stock AS in_stock, o.units AS units, o.days AS days
    FROM on_sale AS o
)
SELECT
    c.day AS day, c.dimension AS dimension, c.segment AS segment,
    SUM(c.in_hand) * SUM(c.in_stock) AS numerator,
    SUM(c.units) * COUNT(*) AS denominator,
    MAX(c.days) AS covered,
    28 AS coverable
FROM cuts AS c
GROUP BY c.day, c.dimension, c.segment
HAVING SUM(c.units) > 0
