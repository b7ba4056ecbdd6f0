/* ---
name: {fr: "CSAT", en: "Customer satisfaction"}
definition:
  fr: "Réponses bonnes divisées par les réponses à l'enquête du service client (quatre étoiles et plus sont bonnes)."
  en: "Good answers divided by all answers to the service desk's survey (four stars and more are good)."
unit: percent
kind: ratio
good: up
dimensions: [medium]
action:
  fr: "Relire les réponses mauvaises et répondre plus vite."
  en: "Read the bad answers again and reply faster."
measured_by: [satisfaction_ratings, tickets]
minimum: 0
maximum: 1
counts: {one: {fr: "réponse", en: "answer"}, many: {fr: "réponses", en: "answers"}}
since: 1
--- */
SELECT
    r.day AS day, r.medium AS medium,
    CASE WHEN r.is_good THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
FROM model.ticket_ratings AS r
JOIN run.days AS d ON d.day = r.day
