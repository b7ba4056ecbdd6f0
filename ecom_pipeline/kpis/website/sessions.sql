/* ---
name: {fr: "Trafic du site", en: "Website traffic"}
definition:
  fr: "Visites du site ; par canal, les sources du trafic."
  en: "Sessions of the site; by channel, where they come from."
unit: count
kind: flow
good: up
dimensions: [channel, device, country]
minimum: 0
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device, w.country AS country,
    w.sessions AS numerator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
