/* ---
name: {fr: "Dépenses publicitaires", en: "Ad spend"}
definition:
  fr: "Dépenses de toutes les régies publicitaires."
  en: "Spend on all ad platforms."
unit: money
kind: flow
good: neutral
dimensions: [channel, campaign]
measured_by: [ad_performance]
minimum: 0
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel, a.account_campaign AS campaign,
    a.spend AS numerator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
