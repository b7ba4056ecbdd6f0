/* ---
name: {fr: "ROAS", en: "Return on ad spend"}
definition:
  fr: "Valeur des conversions attribuée par la régie (sa fenêtre de 30 jours après clic) divisée par sa dépense ; ce n'est pas un profit."
  en: "Conversion value as the platform attributes it (its 30-day click window) divided by its spend; not a profit."
unit: multiple
kind: ratio
good: up
dimensions: [channel, campaign]
measured_by: [ad_performance]
minimum: 0
since: 1
--- */
SELECT
    a.day AS day, a.channel AS channel, a.campaign AS campaign,
    a.conversion_value AS numerator,
    a.spend AS denominator
FROM model.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
