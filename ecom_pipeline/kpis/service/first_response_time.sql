/* ---
name: {fr: "Délai de première réponse", en: "First response time"}
definition:
  fr: "Médiane des heures entre un ticket et sa première réponse, sur 28 jours, pour les tickets dont la réponse est connue."
  en: "Median hours between a ticket and its first reply, over 28 days, for tickets whose reply is known."
unit: hours
kind: window
window: 28
good: down
dimensions: [medium]
action:
  fr: "Renforcer les heures où les tickets arrivent ; préparer des réponses types."
  en: "Staff the hours in which tickets arrive; prepare standard replies."
measured_by: [tickets]
touches:
  mapped.tickets: {forward: 27}
minimum: 0
since: 1
--- */
WITH cuts AS (
    SELECT t.day AS day, 'total' AS dimension, '' AS segment, t.first_reply_minutes AS minutes
    FROM mapped.tickets AS t
    WHERE t.first_reply_minutes IS NOT NULL
    UNION ALL
    SELECT t.day AS day, 'medium' AS dimension, t.medium AS segment, t.first_reply_minutes AS minutes
    FROM mapped.tickets AS t
    WHERE t.first_reply_minutes IS NOT NULL
), ranked AS (
    SELECT d.day AS day, c.dimension AS dimension, c.segment AS segment, c.minutes AS minutes,
        ROW_NUMBER() OVER (PARTITION BY d.day, c.dimension, c.segment ORDER BY c.minutes) AS place,
        COUNT(*) OVER (PARTITION BY d.day, c.dimension, c.segment) AS tickets
    FROM run.days AS d
    JOIN cuts AS c ON c.day <= d.day AND c.day >= CAST(d.day - INTERVAL '27' DAY AS DATE)
)
SELECT
    r.day AS day, r.dimension AS dimension, r.segment AS segment,
    MIN(CASE WHEN r.place * 2 >= r.tickets THEN r.minutes END)
        + MIN(CASE WHEN r.place * 2 > r.tickets THEN r.minutes END) AS numerator,
    120 AS denominator
FROM ranked AS r
GROUP BY r.day, r.dimension, r.segment
