/* ---
name: {fr: "Erreur de la prévision", en: "Forecast error"}
definition:
  fr: "Achats que le modèle de la LTV prédite annonçait il y a six mois pour les clients d'alors, moins ceux qu'ils ont faits depuis, divisés par ces derniers ; à lire à côté de la LTV prédite."
  en: "Purchases the model of predicted lifetime value foretold half a year ago of the customers of then, less those they made since, divided by the latter; to be read beside predicted lifetime value."
unit: percent
kind: window
window: 182
good: zero
measured_by: [orders, sale_lines, restocks, products, shipments, payments]
young_until: 546
rests_on: 546
touches:
  model.predicted_value: {forward: 6}
undefined: {fr: "moins de cent clients revenus à l'époque", en: "fewer than a hundred customers had come back then"}
since: 1
--- */
SELECT
    d.day AS day, p.dimension AS dimension, p.segment AS segment,
    p.foretold - p.happened AS numerator,
    p.happened AS denominator
FROM run.days AS d
JOIN model.predicted_value AS p ON p.day <= d.day AND p.day >= CAST(d.day - INTERVAL '6' DAY AS DATE)
WHERE p.dimension = 'total' AND p.foretold IS NOT NULL AND p.happened > 0
