/* ---
name: {fr: "Durée moyenne des sessions", en: "Average session duration"}
definition:
  fr: "Secondes d'attention divisées par les visites."
  en: "Engaged seconds divided by sessions."
unit: seconds
kind: ratio
good: up
dimensions: [channel, device]
minimum: 0
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device,
    w.engaged_seconds AS numerator,
    w.sessions AS denominator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
