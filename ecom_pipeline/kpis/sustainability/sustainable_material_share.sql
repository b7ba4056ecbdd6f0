/* ---
name: {fr: "Matériaux durables", en: "Sustainable materials"}
definition:
  fr: "Matières durables divisées par toutes les matières achetées, en poids."
  en: "Sustainable material divided by all material bought, by weight."
unit: percent
kind: ratio
good: up
action:
  fr: "Demander aux fournisseurs des matières certifiées ou recyclées."
  en: "Ask suppliers for certified or recycled material."
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
WHERE a.kind = 'material' AND a.unit = 'kg'
