/* ---
name: {fr: "Trafic mobile", en: "Mobile traffic"}
definition:
  fr: "Visites du site sur téléphone, tablettes non comprises ; leur part du trafic est un indicateur à côté."
  en: "Sessions of the site on telephones, without tablets; their share of all traffic is a KPI beside it."
unit: count
kind: flow
good: up
dimensions: [channel]
minimum: 0
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel,
    w.sessions AS numerator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
WHERE w.device = 'mobile'
