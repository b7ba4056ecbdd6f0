/* ---
name: {fr: "Impressions", en: "Impressions"}
definition:
  fr: "Nombre d'affichages des contenus, tel que le réseau le communique, deux jours après. Un jour dont le réseau ne dit rien n'est pas un zéro : il baisse la couverture."
  en: "Times content was shown, as the network tells it two days later. A day the network tells nothing of is no zero: it lowers the coverage."
unit: count
kind: flow
good: up
dimensions: [network]
action:
  fr: "Publier plus régulièrement, dans les formats que le réseau diffuse."
  en: "Publish more regularly, in the formats the network spreads."
measured_by: [social_performance]
matures_after: 2
minimum: 0
since: 1
--- */
SELECT
    s.day AS day, s.network AS network,
    s.impressions AS numerator,
    CASE WHEN s.is_told THEN 1 ELSE 0 END AS covered,
    1 AS coverable
FROM model.social_days AS s
JOIN run.days AS d ON d.day = s.day
