/* ---
name: {fr: "Abonnés SMS", en: "SMS subscribers"}
definition:
  fr: "Personnes qui, en fin de journée, consentent à recevoir des SMS et peuvent en recevoir."
  en: "People who, at the day's end, consent to receiving SMS and can receive them."
unit: count
kind: snapshot
good: up
measured_by: [subscribers]
snapshots: [subscribers]
minimum: 0
since: 1
--- */
SELECT
    s.day AS day, 'total' AS dimension, '' AS segment,
    SUM(s.subscribed) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM mapped.subscribers AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.medium = 'sms'
GROUP BY s.day
