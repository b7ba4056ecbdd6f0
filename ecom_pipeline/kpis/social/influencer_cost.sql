/* ---
name: {fr: "Coût d'influence", en: "Influencer cost"}
definition:
  fr: "Rémunération mensuelle des influenceurs, répartie par jour, plus leur commission sur le chiffre d'affaires net qu'ils apportent ; une commission est reprise le jour du retour. Compte aussi dans le coût du marketing, au canal Affiliation."
  en: "Influencers' monthly fees, prorated by day, plus their commission on the net sales they bring; a commission is taken back on the day of a return. It also counts in marketing cost, under the channel Affiliates."
unit: money
kind: flow
good: neutral
dimensions: [influencer]
measured_by: [influencers, orders, sale_lines]
since: 1
--- */
SELECT
    l.day AS day, l.influencer AS influencer,
    l.commission AS numerator
FROM model.influencer_lines AS l
JOIN run.days AS d ON d.day = l.day
UNION ALL
SELECT
    c.day AS day, c.name AS influencer,
    c.amount AS numerator
FROM config.daily_costs AS c
JOIN run.days AS d ON d.day = c.day
WHERE c.kind = 'influencer'
