/* ---
name: {fr: "Ventes d'influence", en: "Influencer sales"}
definition:
  fr: "Chiffre d'affaires net des commandes portant le code de réduction d'un influenceur ou, à défaut, l'étiquette (utm_campaign) de ses liens, pendant la durée de son accord ; leur coût est un indicateur à côté."
  en: "Net sales of orders that bear an influencer's discount code or, without one, the tag (utm_campaign) of her links, while her agreement lasts; what they cost is a KPI beside it."
unit: money
kind: flow
good: up
dimensions: [influencer]
action:
  fr: "Comparer avec le coût d'influence : poursuivre avec qui rapporte plus qu'il ne coûte."
  en: "Compare with the influencer cost: go on with those who bring more than they cost."
measured_by: [influencers, orders, sale_lines]
since: 1
--- */
SELECT
    l.day AS day, l.influencer AS influencer,
    l.net AS numerator
FROM model.influencer_lines AS l
JOIN run.days AS d ON d.day = l.day
