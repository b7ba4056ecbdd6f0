/* ---
name: {fr: "Note moyenne des avis", en: "Review rating"}
definition:
  fr: "Étoiles divisées par le nombre d'avis publiés, au jour de l'avis ; l'avis sur la boutique n'a pas de produit."
  en: "Stars divided by the number of published reviews, on the review's day; a review of the shop has no product."
unit: stars
kind: ratio
good: up
dimensions: [product]
action:
  fr: "Corriger les produits mal notés, ou leur description."
  en: "Mend the products rated badly, or their description."
measured_by: [reviews]
minimum: 1
maximum: 5
counts: {one: {fr: "avis", en: "review"}, many: {fr: "avis", en: "reviews"}}
since: 1
--- */
SELECT r.day AS day, COALESCE(r.product, 'unknown') AS product, r.stars AS numerator, 1 AS denominator
FROM mapped.reviews AS r
JOIN run.days AS d ON d.day = r.day
