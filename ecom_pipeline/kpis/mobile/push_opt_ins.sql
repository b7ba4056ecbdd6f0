/* ---
name: {fr: "Inscriptions aux notifications", en: "Push opt-ins"}
definition:
  fr: "Appareils auxquels l'application peut envoyer des notifications, lus le matin suivant."
  en: "Devices the app can send push messages to, as seen on the next morning."
unit: count
kind: snapshot
good: up
measured_by: [push_subscriptions]
snapshots: [push_subscriptions]
minimum: 0
since: 1
--- */
SELECT
    p.day AS day, 'total' AS dimension, '' AS segment,
    SUM(p.reachable) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM mapped.push_subscriptions AS p
JOIN run.days AS d ON d.day = p.day
GROUP BY p.day
