/* ---
name: {fr: "Panier moyen mobile", en: "Mobile average order value"}
definition:
  fr: "Ventes après remises, hors taxes, divisées par le nombre de commandes, pour les commandes passées sur téléphone. L'écart avec l'ordinateur se lit dans le panier moyen par appareil ; les commandes dont l'appareil est inconnu n'en sont pas."
  en: "Sales after discounts, without VAT, divided by orders, of orders placed on telephones. Its gap to desktop is read in the average order value by device; orders whose device is unknown are not in it."
unit: money
kind: ratio
good: up
dimensions: [channel]
action:
  fr: "Suggérer lots et compléments sur les fiches produits vues au téléphone."
  en: "Suggest bundles and extras on product pages seen on telephones."
measured_by: [orders, sale_lines]
since: 1
--- */
SELECT
    s.day AS day, s.channel AS channel,
    s.gross - s.discounts AS numerator,
    s.orders AS denominator
FROM model.daily_sales AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.device = 'mobile'
