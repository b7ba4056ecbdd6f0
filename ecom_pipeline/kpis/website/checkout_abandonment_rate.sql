/* ---
name: {fr: "Taux d'abandon du paiement", en: "Checkout abandonment"}
definition:
  fr: "Part des paiements commencés qui n'ont pas été achevés, après 24 heures."
  en: "Share of started checkouts that were not completed, after 24 hours."
unit: percent
kind: ratio
good: down
dimensions: [device, country]
action:
  fr: "Tester le paiement sur chaque appareil ; réduire les champs."
  en: "Test the checkout on every device; ask for fewer fields."
measured_by: [checkouts]
matures_after: 1
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    c.day AS day, c.device AS device, c.country AS country,
    c.started - c.completed AS numerator,
    c.started AS denominator
FROM model.checkouts AS c
JOIN run.days AS d ON d.day = c.day
