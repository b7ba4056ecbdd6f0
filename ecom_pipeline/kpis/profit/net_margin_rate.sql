/* ---
name: {fr: "Marge nette", en: "Net margin"}
definition:
  fr: "Marge contributive moins coûts fixes au prorata des jours, divisée par le chiffre d'affaires net."
  en: "Contribution margin less fixed costs prorated by day, divided by net sales."
unit: percent
kind: ratio
good: up
action:
  fr: "Négocier avec les fournisseurs et le transport ; contenir les coûts fixes."
  en: "Negotiate with suppliers and carriers; contain fixed costs."
measured_by: [orders, sale_lines, restocks, products, shipments, payments, ad_performance]
maximum: 1
since: 1
--- */
SELECT
    c.day AS day,
    c.before_marketing - c.marketing AS numerator,
    c.net AS denominator,
    c.known_gross AS covered,
    c.gross AS coverable
FROM model.contribution AS c
JOIN run.days AS d ON d.day = c.day
UNION ALL
SELECT
    f.day AS day,
    -f.amount AS numerator,
    0 AS denominator,
    0 AS covered,
    0 AS coverable
FROM config.daily_costs AS f
JOIN run.days AS d ON d.day = f.day
WHERE f.kind = 'fixed'
