/* ---
name: {fr: "Inscriptions SMS", en: "SMS sign-ups"}
definition:
  fr: "Personnes qui ont donné ce jour leur accord pour recevoir des SMS, et l'ont gardé jusqu'au soir."
  en: "People who consented to receiving SMS on that day, and still did at its end."
unit: count
kind: flow
good: up
measured_by: [subscribers]
snapshots: [subscribers]
minimum: 0
since: 1
--- */
SELECT
    s.day AS day,
    s.joined AS numerator
FROM mapped.subscribers AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.medium = 'sms'
