/* ---
name: {fr: "Autonomie de trésorerie", en: "Runway"}
definition:
  fr: "Trésorerie divisée par la sortie nette moyenne par mois (30 jours) sur 90 jours ; sans objet quand il n'y en a pas."
  en: "Cash divided by the mean monthly (30 days) net outflow over 90 days; not applicable when there is none."
unit: months
kind: window
window: 90
good: up
action:
  fr: "Réduire les sorties, avancer les encaissements, prévoir un financement."
  en: "Cut outflows, collect earlier, prepare financing."
measured_by: [bank_transactions]
touches:
  model.cash_flows: {forward: 89}
young_until: 89
undefined: {fr: "aucune sortie nette", en: "no net outflow"}
since: 1
--- */
WITH outflow AS (
    SELECT d.day AS day, -SUM(c.amount) AS amount
    FROM run.days AS d
    JOIN model.cash_flows AS c
        ON c.day <= d.day AND c.day > CAST(d.day - INTERVAL '90' DAY AS DATE) AND NOT c.is_own_transfer
    GROUP BY d.day
), cash AS (
    SELECT b.day AS day, SUM(b.balance) AS balance
    FROM model.bank_accounts AS b
    JOIN run.days AS d ON d.day = b.day
    GROUP BY b.day
)
SELECT c.day AS day, 'total' AS dimension, '' AS segment, 3 * c.balance AS numerator, o.amount AS denominator
FROM cash AS c
JOIN outflow AS o ON o.day = c.day
WHERE o.amount > 0
