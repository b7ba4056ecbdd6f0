/* ---
name: {fr: "Volume d'affaires (GMV)", en: "Gross merchandise value"}
definition:
  fr: "Somme des quantités vendues multipliées par le prix unitaire hors taxes, avant remises."
  en: "Articles sold times their unit price without VAT, before discounts."
unit: money
kind: flow
good: up
dimensions: [channel, device, country, shop, product]
measured_by: [orders, sale_lines]
minimum: 0
since: 1
--- */
SELECT
    l.day AS day, l.channel AS channel, l.device AS device, l.country AS country, l.shop AS shop, l.product AS product,
    l.gross AS numerator
FROM model.sale_lines AS l
JOIN run.days AS d ON d.day = l.day
WHERE l.kind = 'product'
