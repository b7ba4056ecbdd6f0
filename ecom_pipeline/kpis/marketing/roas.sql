/* ---
name: {fr: "ROAS", en: "Return on ad spend"}
definition:
  fr: "Valeur des conversions que chaque régie s'attribue (Google Ads : 30 jours après clic ; Meta et TikTok : 7 jours après clic ou 1 jour après vue, sauf réglage contraire) divisée par sa dépense ; ce n'est pas un profit."
  en: "Conversion value as each platform attributes it to itself (Google Ads: 30 days after a click; Meta and TikTok: 7 days after a click or 1 day after a view, unless set otherwise) divided by its spend; not a profit."
unit: multiple
kind: ratio
good: up
dimensions: [channel, campaign]
measured_by: [ad_performance]
minimum: 0
since: 2
--- */
SELECT
    a.day AS day, a.channel AS channel, a.account_campaign AS campaign,
    a.conversion_value AS numerator,
    a.spend AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
