/* ---
name: {fr: "Taux d'ajout au panier", en: "Add-to-cart rate"}
definition:
  fr: "Visites avec un article ajouté au panier divisées par les visites."
  en: "Sessions with an article added to the cart divided by sessions."
unit: percent
kind: ratio
good: up
dimensions: [channel, device]
action:
  fr: "Revoir les fiches produits : photos, prix, disponibilité."
  en: "Review product pages: pictures, price, availability."
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device,
    w.cart_sessions AS numerator,
    w.sessions AS denominator,
    w.path_sessions_read AS covered,
    w.sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
