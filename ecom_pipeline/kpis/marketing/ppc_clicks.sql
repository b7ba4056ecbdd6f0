/* ---
name: {fr: "Clics payants (PPC)", en: "Paid clicks"}
definition:
  fr: "Clics sur les annonces payantes."
  en: "Clicks on paid ads."
unit: count
kind: flow
good: up
dimensions: [channel, campaign]
measured_by: [ad_performance]
minimum: 0
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel, a.account_campaign AS campaign,
    a.clicks AS numerator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
