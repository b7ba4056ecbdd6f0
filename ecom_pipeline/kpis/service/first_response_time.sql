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
    SELECT 'total' AS dimension
    UNION ALL SELECT 'medium' AS dimension
), windows AS (
    SELECT
        d.day AS day, c.dimension AS dimension,
        CASE c.dimension WHEN 'medium' THEN t.medium ELSE '' END AS segment,
        t.first_reply_minutes AS minutes,
        ROW_NUMBER() OVER (
            PARTITION BY d.day, c.dimension, CASE c.dimension WHEN 'medium' THEN t.medium ELSE '' END
            ORDER BY t.first_reply_minutes, t.desk, t.ticket_id
        ) AS place,
        COUNT(*) OVER (PARTITION BY d.day, c.dimension, CASE c.dimension WHEN 'medium' THEN t.medium ELSE '' END)
            AS tickets
    FROM run.days AS d
    CROSS JOIN cuts AS c
    JOIN mapped.tickets AS t ON t.day <= d.day AND t.day >= CAST(d.day - INTERVAL '27' DAY AS DATE)
    WHERE t.first_reply_minutes IS NOT NULL
)
SELECT
    w.day AS day, w.dimension AS dimension, w.segment AS segment,
    SUM(CASE WHEN w.place * 2 = w.tickets + 1 THEN 2 * w.minutes ELSE w.minutes END) AS numerator,
    120 AS denominator
FROM windows AS w
WHERE w.place * 2 >= w.tickets AND w.place * 2 <= w.tickets + 2
GROUP BY w.day, w.dimension, w.segment
