/* ---
name: {fr: "Taux de remise", en: "Discount rate"}
definition:
  fr: "Remises divisées par le volume d'affaires."
  en: "Discounts divided by gross merchandise value."
unit: percent
kind: ratio
good: down
dimensions: [channel, device, country, shop]
action:
  fr: "Réserver les codes aux paniers qu'ils déclenchent vraiment ; borner leur durée."
  en: "Keep codes for the carts they really bring; limit their duration."
measured_by: [orders, sale_lines]
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country, s.shop AS shop,
    s.discounts AS numerator,
    s.gross AS denominator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
