/* ---
name: {fr: "Part d'avis négatifs", en: "Negative reviews"}
definition:
  fr: "Avis d'une ou deux étoiles divisés par tous les avis publiés."
  en: "Reviews of one or two stars divided by all published reviews."
unit: percent
kind: ratio
good: down
dimensions: [product]
action:
  fr: "Répondre à chaque avis négatif et corriger la cause."
  en: "Answer each negative review and mend its cause."
measured_by: [reviews]
minimum: 0
maximum: 1
counts: {one: {fr: "avis", en: "review"}, many: {fr: "avis", en: "reviews"}}
since: 1
--- */
SELECT r.day AS day, COALESCE(r.product, 'unknown') AS product,
    CASE WHEN r.stars <= 2 THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
FROM mapped.reviews AS r
JOIN run.days AS d ON d.day = r.day
