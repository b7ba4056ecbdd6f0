/* ---
name: {fr: "Taux de conversion", en: "Conversion rate"}
definition:
  fr: "Visites avec achat divisées par les visites, selon l'outil d'analyse du site."
  en: "Sessions with a purchase divided by sessions, both from web analytics."
unit: percent
kind: ratio
good: up
dimensions: [channel, device, country]
reference: {between: ["0.02", "0.03"]}
action:
  fr: "Vérifier l'expérience, la vitesse et l'offre."
  en: "Check user experience, speed and offer."
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device, w.country AS country,
    w.purchase_sessions AS numerator,
    w.sessions AS denominator,
    w.path_sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
