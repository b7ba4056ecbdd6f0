/* ---
name: {fr: "Encaissements en attente", en: "Cash in transit"}
definition:
  fr: "Soldes en attente et disponibles chez les prestataires de paiement, et virements annoncés que la banque n'a pas encore reçus."
  en: "Pending and available balances at payment processors, and announced payouts the bank has not received yet."
unit: money
kind: snapshot
good: neutral
measured_by: [payments, payouts, bank_transactions]
touches:
  model.payments: {after: true}
  model.payouts: {after: true}
rests_on: 100000
since: 1
--- */
WITH steps AS (
    SELECT x.day AS day, SUM(x.amount) AS amount
    FROM (
        SELECT p.day AS day, p.net AS amount FROM model.payments AS p
        UNION ALL
        SELECT o.day AS day, o.amount AS amount FROM model.payouts AS o
        UNION ALL
        SELECT GREATEST(o.credited_day, o.day) AS day, -o.amount AS amount
        FROM model.payouts AS o
        WHERE o.credited_day IS NOT NULL
        UNION ALL
        SELECT d.day AS day, CAST(0 AS DECIMAL(18, 2)) AS amount FROM run.days AS d
    ) AS x
    GROUP BY x.day
), running AS (
    SELECT s.day AS day, SUM(s.amount) OVER (ORDER BY s.day) AS amount
    FROM steps AS s
)
SELECT r.day AS day, 'total' AS dimension, '' AS segment, r.amount AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM running AS r
JOIN run.days AS d ON d.day = r.day
