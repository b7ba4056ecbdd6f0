/* ---
name: {fr: "Désinscriptions SMS", en: "SMS opt-outs"}
definition:
  fr: "Personnes qui ont retiré ce jour leur accord pour recevoir des SMS."
  en: "People who withdrew their consent to receiving SMS on that day."
unit: count
kind: flow
good: down
measured_by: [subscribers]
snapshots: [subscribers]
minimum: 0
since: 1
--- */
SELECT
    s.day AS day,
    s.withdrew AS numerator
FROM mapped.subscribers AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.medium = 'sms'
