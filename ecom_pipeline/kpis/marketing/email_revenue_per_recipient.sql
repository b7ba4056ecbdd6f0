/* ---
name: {fr: "CA par destinataire e-mail", en: "Email revenue per recipient"}
definition:
  fr: "Ventes que l'outil d'envoi attribue aux e-mails des campagnes (taxes et livraison comprises, pendant sa fenêtre d'attribution), divisées par les e-mails délivrés, au jour de l'envoi."
  en: "Sales the sending tool attributes to the e-mails of campaigns (tax and shipping included, within its attribution window), divided by e-mails delivered, on the day of sending."
unit: money
kind: ratio
good: up
dimensions: [campaign]
action:
  fr: "Écrire à ceux qui achètent encore, plus rarement aux autres ; revoir l'offre et l'objet des lettres."
  en: "Write to those who still buy, more rarely to others; review the letters' offer and subject."
measured_by: [email_campaigns]
minimum: 0
since: 1
--- */
SELECT
    e.day AS day, e.campaign AS campaign,
    e.conversion_value AS numerator,
    e.delivered AS denominator
FROM model.email_campaigns AS e
JOIN run.days AS d ON d.day = e.day
WHERE e.medium = 'email'
