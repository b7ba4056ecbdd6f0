/* ---
name: {fr: "CTR publicitaire", en: "Ad click-through rate"}
definition:
  fr: "Clics divisés par les impressions des annonces."
  en: "Clicks divided by ad impressions."
unit: percent
kind: ratio
good: up
dimensions: [channel, campaign]
action:
  fr: "Renouveler les annonces."
  en: "Refresh the ads."
measured_by: [ad_performance]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel, a.account_campaign AS campaign,
    a.clicks AS numerator,
    a.impressions AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
