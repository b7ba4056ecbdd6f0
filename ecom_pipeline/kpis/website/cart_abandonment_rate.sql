/* ---
name: {fr: "Taux d'abandon de panier", en: "Cart abandonment"}
definition:
  fr: "Part des visites avec panier qui n'aboutissent pas à un achat."
  en: "Share of sessions with a cart that end without a purchase."
unit: percent
kind: ratio
good: down
dimensions: [channel, device]
reference: {around: "0.70"}
action:
  fr: "Annoncer plus tôt les frais de port ; relancer les paniers."
  en: "Show shipping costs earlier; remind abandoned carts."
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel, w.device AS device,
    w.cart_sessions - w.purchase_sessions AS numerator,
    w.cart_sessions AS denominator,
    w.cart_sessions_read AS covered,
    w.cart_sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
