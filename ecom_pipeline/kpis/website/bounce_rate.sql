/* ---
name: {fr: "Taux de rebond", en: "Bounce rate"}
definition:
  fr: "Visites sans engagement divisées par les visites."
  en: "Sessions without engagement divided by sessions."
unit: percent
kind: ratio
good: down
dimensions: [channel, device]
action:
  fr: "Accorder la page d'arrivée à la promesse de l'annonce ; accélérer la page."
  en: "Match the landing page to the ad's promise; speed it up."
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device,
    w.sessions - w.engaged_sessions AS numerator,
    w.sessions AS denominator,
    w.sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
