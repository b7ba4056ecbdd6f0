/* ---
name: {fr: "Taux d'engagement", en: "Engagement rate"}
definition:
  fr: "J'aime, commentaires, partages et enregistrements divisés par la portée de chaque jour ; les jours dont le réseau ne dit pas tout sont laissés de côté."
  en: "Likes, comments, shares and saves divided by each day's reach; days of which the network does not tell all of them are left out."
unit: percent
kind: ratio
good: up
dimensions: [network]
action:
  fr: "Refaire ce qui a suscité des réactions ; répondre aux commentaires."
  en: "Do again what people reacted to; answer comments."
measured_by: [social_performance]
matures_after: 2
minimum: 0
since: 1
--- */
SELECT
    s.day AS day, s.network AS network,
    s.interactions AS numerator,
    s.reach AS denominator
FROM model.social_days AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.interactions IS NOT NULL AND s.reach IS NOT NULL
