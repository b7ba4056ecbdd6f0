/* ---
name: {fr: "Écart de rapprochement", en: "Reconciliation gap"}
definition:
  fr: "Virements annoncés par les prestataires de paiement moins crédits bancaires retrouvés, au jour d'arrivée annoncé."
  en: "Payouts announced by payment processors less the bank credits found for them, on the announced day of arrival."
unit: money
kind: flow
good: zero
reference: {around: "0"}
action:
  fr: "Demander au prestataire et à la banque où se trouve le virement."
  en: "Ask processor and bank where the payout is."
measured_by: [payouts, bank_transactions]
touches:
  model.payouts: {column: arrival_day}
since: 1
--- */
SELECT
    p.arrival_day AS day,
    CASE WHEN p.credited_day IS NULL THEN p.amount ELSE 0 END AS numerator
FROM model.payouts AS p
JOIN run.days AS d ON d.day = p.arrival_day
