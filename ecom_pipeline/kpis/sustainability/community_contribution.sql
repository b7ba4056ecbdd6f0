/* ---
name: {fr: "Contribution locale", en: "Community contribution"}
definition:
  fr: "Dons versés, au jour du don ; les heures données sont comptées à part."
  en: "Money given to others, on the day it is given; hours given are counted apart."
unit: money
kind: flow
good: up
measured_by: [contributions]
since: 1
--- */
SELECT
    c.day AS day,
    CASE WHEN c.currency = s.currency THEN c.amount ELSE TO_REPORTING(c.amount, f.rate, f.reporting_rate) END AS numerator
FROM mapped.contributions AS c
JOIN run.days AS d ON d.day = c.day
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = c.day AND f.currency = c.currency
