/* ---
name: {fr: "Taux de retours produits", en: "Product return rate"}
definition:
  fr: "Valeur retournée divisée par la valeur vendue, par date de commande, pour les commandes d'au moins 30 jours."
  en: "Value returned divided by value sold, by date of order, for orders at least 30 days old."
unit: percent
kind: ratio
good: down
dimensions: [country, product]
action:
  fr: "Améliorer le produit ou sa description."
  en: "Improve the product or its description."
measured_by: [orders, sale_lines]
matures_after: 30
minimum: 0
since: 1
--- */
SELECT
    r.day AS day, r.country AS country, r.product AS product,
    r.returned AS numerator,
    r.sold AS denominator
FROM model.order_returns AS r
JOIN run.days AS d ON d.day = r.day
