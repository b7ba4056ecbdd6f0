/* ---
name: {fr: "Part du trafic mobile", en: "Mobile share of traffic"}
definition:
  fr: "Visites sur téléphone, tablettes non comprises, divisées par toutes les visites."
  en: "Sessions on telephones, without tablets, divided by all sessions."
unit: percent
kind: ratio
good: neutral
dimensions: [channel]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel,
    CASE WHEN w.device = 'mobile' THEN w.sessions ELSE 0 END AS numerator,
    w.sessions AS denominator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
