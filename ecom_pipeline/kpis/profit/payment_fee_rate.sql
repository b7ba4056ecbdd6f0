/* ---
name: {fr: "Frais de paiement", en: "Payment fee rate"}
definition:
  fr: "Frais des prestataires de paiement divisés par les paiements encaissés."
  en: "Payment processors' fees divided by captured payments."
unit: percent
kind: ratio
good: down
action:
  fr: "Renégocier les commissions ; proposer des moyens de paiement moins chers."
  en: "Renegotiate rates; offer cheaper means of payment."
measured_by: [payments]
since: 1
--- */
SELECT
    p.day AS day,
    p.fees AS numerator,
    p.captured AS denominator
FROM model.payments AS p
JOIN run.days AS d ON d.day = p.day
