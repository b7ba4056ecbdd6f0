/* ---
name: {fr: "Taux de marge brute", en: "Gross margin"}
definition:
  fr: "Chiffre d'affaires net moins coût des marchandises au coût du jour de la vente, divisé par le chiffre d'affaires net, sur les lignes dont le coût est connu."
  en: "Net sales less cost of goods at the cost valid on the sale's day, divided by net sales, on lines whose cost is known."
unit: percent
kind: ratio
good: up
dimensions: [channel, country, product]
action:
  fr: "Négocier avec les fournisseurs et revoir les coûts logistiques."
  en: "Negotiate with suppliers and review logistics costs."
measured_by: [orders, sale_lines, restocks, products]
touches:
  model.product_titles: {everything: true}
maximum: 1
since: 1
--- */
SELECT
    l.day AS day, l.channel AS channel, l.country AS country, l.product AS product,
    CASE WHEN l.is_known THEN l.gross - l.discounts - l.returns ELSE 0 END - l.cost AS numerator,
    CASE WHEN l.is_known THEN l.gross - l.discounts - l.returns ELSE 0 END AS denominator,
    CASE WHEN l.is_known THEN l.gross ELSE 0 END AS covered,
    l.gross AS coverable
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
WHERE l.kind IN ('product', 'adjustment')
UNION ALL
SELECT
    r.day AS day, r.channel AS channel, r.country AS country, p.product AS product,
    -r.cost AS numerator,
    0 AS denominator,
    0 AS covered,
    0 AS coverable
FROM model.sale_lines AS r
JOIN run.days AS d ON d.day = r.day
LEFT JOIN model.product_titles AS p ON p.shop = r.shop AND p.product_id = r.product_id
WHERE r.kind = 'restock'
