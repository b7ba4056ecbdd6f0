/* ---
name: {fr: "Taux de recyclage", en: "Recycling rate"}
definition:
  fr: "Déchets recyclés divisés par les déchets produits, en poids."
  en: "Recycled waste divided by all waste, by weight."
unit: percent
kind: ratio
good: up
action:
  fr: "Trier à la source et choisir des emballages recyclables."
  en: "Sort at the source and choose packaging that can be recycled."
measured_by: [activities]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    a.day AS day,
    CASE WHEN a.is_sustainable THEN a.quantity ELSE 0 END AS numerator,
    a.quantity AS denominator
FROM model.activities AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.kind = 'waste' AND a.unit = 'kg'
