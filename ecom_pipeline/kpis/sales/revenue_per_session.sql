/* ---
name: {fr: "CA par visite", en: "Revenue per session"}
definition:
  fr: "Chiffre d'affaires net divisé par les visites."
  en: "Net sales divided by sessions."
unit: money
kind: ratio
good: up
dimensions: [channel, device, country]
measured_by: [orders, sale_lines, web_traffic]
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country,
    s.net AS numerator,
    0 AS denominator,
    0 AS covered,
    0 AS coverable
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
UNION ALL
SELECT
    w.day AS day, w.channel AS channel, w.device AS device, w.country AS country,
    0 AS numerator,
    w.sessions AS denominator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
