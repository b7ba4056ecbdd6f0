/* ---
name: {fr: "Chiffre d'affaires net", en: "Net sales"}
definition:
  fr: "Volume d'affaires moins remises et retours ; chaque remboursement compte le jour où il est traité."
  en: "Gross merchandise value less discounts and returns; each refund counts on the day it is processed."
unit: money
kind: flow
good: up
dimensions: [channel, device, country, shop, product]
measured_by: [orders, sale_lines]
since: 1
--- */
SELECT
    l.day AS day, l.channel AS channel, l.device AS device, l.country AS country, l.shop AS shop, l.product AS product,
    l.gross - l.discounts - l.returns AS numerator
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
WHERE l.kind IN ('product', 'adjustment')
