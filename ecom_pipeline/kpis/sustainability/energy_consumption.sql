/* ---
name: {fr: "Consommation d'énergie", en: "Energy consumption"}
definition:
  fr: "Énergie consommée par les sites, hébergement compris."
  en: "Energy used by the sites, hosting included."
unit: kilowatt_hours
kind: flow
good: down
dimensions: [site]
action:
  fr: "Comparer les sites et chercher ce qui tourne la nuit."
  en: "Compare the sites and look for what runs at night."
measured_by: [activities]
minimum: 0
since: 1
--- */
SELECT a.day AS day, a.site AS site, a.quantity AS numerator
FROM model.activities AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.kind IN ('energy', 'hosting') AND a.unit = 'kWh'
