/* ---
name: {fr: "MER", en: "Marketing efficiency ratio"}
definition:
  fr: "Chiffre d'affaires net divisé par tous les coûts de marketing."
  en: "Net sales divided by all marketing cost."
unit: multiple
kind: ratio
good: up
measured_by: [orders, sale_lines, ad_performance]
since: 1
--- */
SELECT
    s.day AS day,
    s.net AS numerator,
    0 AS denominator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
UNION ALL
SELECT
    m.day AS day,
    0 AS numerator,
    m.cost AS denominator
FROM model.marketing_costs AS m
JOIN run.days AS d ON d.day = m.day
