/* ---
name: {fr: "Commentaires", en: "Reviews"}
definition:
  fr: "Avis publiés reçus, au jour de l'avis."
  en: "Published reviews received, on the review's day."
unit: count
kind: flow
good: up
dimensions: [product]
measured_by: [reviews]
minimum: 0
since: 1
--- */
SELECT r.day AS day, COALESCE(r.product, 'unknown') AS product, COUNT(*) AS numerator
FROM mapped.reviews AS r
JOIN run.days AS d ON d.day = r.day
GROUP BY r.day, COALESCE(r.product, 'unknown')
