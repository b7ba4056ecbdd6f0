/* ---
name: {fr: "Taux de clics (CTR)", en: "Click-through rate"}
definition:
  fr: "Clics sur les liens divisés par les impressions ; les jours dont le réseau ne dit pas les deux sont laissés de côté."
  en: "Link clicks divided by impressions; days of which the network does not tell both are left out."
unit: percent
kind: ratio
good: up
dimensions: [network]
action:
  fr: "Donner une raison de cliquer et montrer le lien ; vérifier où il mène."
  en: "Give a reason to click and show the link; check where it leads."
measured_by: [social_performance]
matures_after: 2
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    s.day AS day, s.network AS network,
    s.link_clicks AS numerator,
    s.impressions AS denominator
FROM model.social_days AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.link_clicks IS NOT NULL AND s.impressions IS NOT NULL
