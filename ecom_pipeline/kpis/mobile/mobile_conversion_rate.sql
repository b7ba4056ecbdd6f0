/* ---
name: {fr: "Taux de conversion mobile", en: "Mobile conversion rate"}
definition:
  fr: "Visites sur téléphone avec achat divisées par les visites sur téléphone, selon l'outil d'analyse du site. L'écart avec l'ordinateur se lit dans le taux de conversion par appareil."
  en: "Sessions on telephones with a purchase divided by sessions on telephones, both from web analytics. Its gap to desktop is read in the conversion rate by device."
unit: percent
kind: ratio
good: up
dimensions: [channel]
action:
  fr: "Acheter soi-même sur un téléphone : vitesse, formulaires, moyens de paiement."
  en: "Buy something on a telephone yourself: speed, forms, means of payment."
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel,
    w.purchase_sessions AS numerator,
    w.sessions AS denominator,
    w.path_sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
WHERE w.device = 'mobile'
