/* ---
name: {fr: "Coût par clic", en: "Cost per click"}
definition:
  fr: "Dépenses publicitaires divisées par les clics."
  en: "Ad spend divided by clicks."
unit: money
kind: ratio
good: down
dimensions: [channel, campaign]
action:
  fr: "Revoir enchères et mots-clés."
  en: "Review bids and keywords."
measured_by: [ad_performance]
minimum: 0
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel, a.account_campaign AS campaign,
    a.spend AS numerator,
    a.clicks AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
