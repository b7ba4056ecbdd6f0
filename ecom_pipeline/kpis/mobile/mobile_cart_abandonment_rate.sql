/* ---
name: {fr: "Abandon de panier mobile", en: "Mobile cart abandonment"}
definition:
  fr: "Part des visites sur téléphone avec panier qui n'aboutissent pas à un achat. L'écart avec l'ordinateur se lit dans le taux d'abandon de panier par appareil."
  en: "Share of sessions on telephones with a cart that end without a purchase. Its gap to desktop is read in cart abandonment by device."
unit: percent
kind: ratio
good: down
dimensions: [channel]
action:
  fr: "Proposer le paiement en un geste et garder le panier d'un appareil à l'autre."
  en: "Offer payment in one tap and keep the cart from one device to the other."
maximum: 1
since: 1
--- */
SELECT
    w.day AS day, w.channel AS channel,
    w.cart_sessions - w.purchase_sessions AS numerator,
    w.cart_sessions AS denominator,
    w.cart_sessions_read AS covered,
    w.cart_sessions AS coverable
FROM model.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
WHERE w.device = 'mobile'
