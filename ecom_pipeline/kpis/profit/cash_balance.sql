/* ---
name: {fr: "Trésorerie", en: "Cash balance"}
definition:
  fr: "Solde comptabilisé de tous les comptes bancaires en fin de journée."
  en: "Booked closing balance of all bank accounts at the end of the day."
unit: money
kind: snapshot
good: up
dimensions: [account]
measured_by: [bank_transactions]
since: 1
--- */
SELECT
    b.day AS day, 'account' AS dimension, b.account AS segment, SUM(b.balance) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM model.bank_accounts AS b
JOIN run.days AS d ON d.day = b.day
GROUP BY b.day, b.account
UNION ALL
SELECT
    b.day AS day, 'total' AS dimension, '' AS segment, SUM(b.balance) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM model.bank_accounts AS b
JOIN run.days AS d ON d.day = b.day
GROUP BY b.day
