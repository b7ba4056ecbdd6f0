/* ---
name: {fr: "Part d'impressions en haut de page", en: "Top impression share"}
definition:
  fr: "Impressions des annonces de recherche affichées au-dessus des résultats naturels divisées par leurs impressions ; remplace la position moyenne, que les régies ne donnent plus."
  en: "Search ad impressions shown above the organic results divided by their impressions; stands in for the average position platforms no longer give."
unit: percent
kind: ratio
good: up
dimensions: [campaign]
measured_by: [ad_performance]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    a.day AS day, a.account_campaign AS campaign,
    a.top_impressions AS numerator,
    a.impressions AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
WHERE a.channel = 'Paid Search' AND a.top_impressions IS NOT NULL
