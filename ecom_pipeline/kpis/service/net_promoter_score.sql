/* ---
name: {fr: "Score net de promoteur (NPS)", en: "Net promoter score"}
definition:
  fr: "Part des réponses 9 et 10 moins part des réponses 0 à 6, en points, sur 90 jours."
  en: "Share of answers 9 and 10 less share of answers 0 to 6, in points, over 90 days."
unit: points
kind: window
window: 90
good: up
action:
  fr: "Appeler les détracteurs de la semaine ; demander un avis aux promoteurs."
  en: "Call the week's detractors; ask promoters for a review."
measured_by: [survey_answers]
touches:
  mapped.survey_answers: {forward: 89}
minimum: -100
maximum: 100
since: 1
--- */
SELECT
    d.day AS day, 'total' AS dimension, '' AS segment,
    SUM(CASE WHEN a.score >= 9 THEN 100 WHEN a.score <= 6 THEN -100 ELSE 0 END) AS numerator,
    COUNT(*) AS denominator
FROM run.days AS d
JOIN mapped.survey_answers AS a ON a.day <= d.day AND a.day >= CAST(d.day - INTERVAL '89' DAY AS DATE)
GROUP BY d.day
