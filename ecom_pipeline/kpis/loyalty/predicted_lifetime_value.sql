/* ---
name: {fr: "LTV prédite", en: "Predicted lifetime value"}
definition:
  fr: "Contribution avant marketing attendue par client sur les 365 jours à venir (BG/NBD et gamma-gamma) ; à partir d'un an d'historique et de cent clients revenus."
  en: "Contribution before marketing expected of each customer over the next 365 days (BG/NBD and gamma-gamma); from one year of history and a hundred customers who came back."
unit: money
kind: window
window: 365
good: up
dimensions: [channel]
action:
  fr: "Soigner les clients qui reviennent : c'est d'eux que vient la valeur à venir."
  en: "Look after the customers who come back: the value to come is theirs."
measured_by: [orders, sale_lines, restocks, products, shipments, payments]
young_until: 364
rests_on: 365
touches:
  model.predicted_value: {forward: 6}
  model.contribution: {forward: 370}
counts: {one: {fr: "client", en: "customer"}, many: {fr: "clients", en: "customers"}}
undefined: {fr: "moins de cent clients revenus", en: "fewer than a hundred customers came back"}
since: 1
--- */
WITH known AS (
    SELECT m.day AS day, SUM(c.known_gross) AS known_gross, SUM(c.gross) AS gross
    FROM (
        SELECT DISTINCT CAST(DATE_TRUNC('week', d.day + INTERVAL '1' DAY) - INTERVAL '1' DAY AS DATE) AS day
        FROM run.days AS d
    ) AS m
    JOIN model.contribution AS c ON c.day <= m.day AND c.day > CAST(m.day - INTERVAL '365' DAY AS DATE)
    GROUP BY m.day
)
SELECT
    d.day AS day, p.dimension AS dimension, p.segment AS segment,
    p.expected AS numerator,
    p.customers AS denominator,
    CAST(p.low AS DOUBLE) / NULLIF(p.customers, 0) AS low,
    CAST(p.high AS DOUBLE) / NULLIF(p.customers, 0) AS high,
    k.known_gross AS covered,
    k.gross AS coverable
FROM run.days AS d
JOIN model.predicted_value AS p ON p.day <= d.day AND p.day >= CAST(d.day - INTERVAL '6' DAY AS DATE)
LEFT JOIN known AS k ON k.day = p.day
