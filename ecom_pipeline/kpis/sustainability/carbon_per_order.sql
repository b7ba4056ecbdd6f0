/* ---
name: {fr: "Carbone par commande", en: "Carbon per order"}
definition:
  fr: "Émissions du transport, des emballages et des retours, divisées par les commandes expédiées."
  en: "Emissions of transport, packaging and returns, divided by shipped orders."
unit: kilograms_co2e
kind: ratio
good: down
dimensions: [carrier]
action:
  fr: "Regrouper les envois, choisir des transporteurs moins émetteurs, réduire les retours."
  en: "Group shipments, choose carriers that emit less, reduce returns."
measured_by: [activities, emission_factors, parcels]
touches:
  mapped.parcels: {backward: 400, forward: 400}
minimum: 0
since: 1
--- */
SELECT
    e.day AS day, e.carrier AS carrier, e.kgco2e AS numerator, 0 AS denominator,
    e.known_amounts AS covered, e.amounts AS coverable
FROM model.emissions AS e
JOIN run.days AS d ON d.day = e.day
WHERE e.kind IN ('transport', 'packaging', 'returns')
UNION ALL
SELECT
    s.day AS day, s.carrier AS carrier, 0 AS numerator, COUNT(*) AS denominator, 0 AS covered, 0 AS coverable
FROM (
    SELECT p.day AS day, COALESCE(p.carrier, 'unknown') AS carrier,
        ROW_NUMBER() OVER (PARTITION BY p.platform, p.shop, p.order_number ORDER BY p.announced_at, p.parcel_id) AS place
    FROM mapped.parcels AS p
    WHERE NOT p.is_return AND p.order_number IS NOT NULL
) AS s
JOIN run.days AS d ON d.day = s.day
WHERE s.place = 1
GROUP BY s.day, s.carrier
