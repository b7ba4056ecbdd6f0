/* ---
name: {fr: "Taux de rupture", en: "Stock-out rate"}
definition:
  fr: "Jours où un article en vente est épuisé, divisés par les jours où il est en vente."
  en: "Days on which an article on sale is out of stock, divided by the days on which it is on sale."
unit: percent
kind: ratio
good: down
dimensions: [product]
action:
  fr: "Recommander plus tôt les articles épuisés et revoir leur stock de sécurité."
  en: "Reorder earlier what runs out and review its safety stock."
measured_by: [stock_levels]
snapshots: [stock_levels]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    s.day AS day, s.product AS product,
    CASE WHEN s.on_hand <= 0 THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
FROM model.stock_days AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.is_active
