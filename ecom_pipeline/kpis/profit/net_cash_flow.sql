/* ---
name: {fr: "Flux net de trésorerie", en: "Net cash flow"}
definition:
  fr: "Entrées moins sorties des comptes bancaires, virements entre comptes propres exclus."
  en: "Money in less money out of the bank accounts, transfers between own accounts excluded."
unit: money
kind: flow
good: up
dimensions: [category]
measured_by: [bank_transactions]
since: 1
--- */
SELECT
    c.day AS day, c.category AS category,
    c.amount AS numerator
FROM model.cash_flows AS c
JOIN run.days AS d ON d.day = c.day
WHERE NOT c.is_own_transfer
