/* ---
name: {fr: "Heures données", en: "Hours given"}
definition:
  fr: "Heures de travail données à d'autres."
  en: "Hours of work given to others."
unit: hours
kind: flow
good: up
measured_by: [contributions]
minimum: 0
since: 1
--- */
SELECT c.day AS day, c.hours AS numerator
FROM mapped.contributions AS c
JOIN run.days AS d ON d.day = c.day
