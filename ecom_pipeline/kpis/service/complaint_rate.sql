/* ---
name: {fr: "Taux de plaintes", en: "Complaint rate"}
definition:
  fr: "Tickets de plainte divisés par les commandes expédiées, sur 28 jours ; par canal de vente de la commande que le ticket nomme, les autres plaintes étant non attribuées."
  en: "Complaint tickets divided by shipped orders, over 28 days; by the sales channel of the order the ticket names, other complaints being unassigned."
unit: percent
kind: window
window: 28
good: down
dimensions: [channel]
action:
  fr: "Lire les plaintes par motif : produit, transporteur ou promesse."
  en: "Read complaints by cause: product, carrier or promise."
measured_by: [tickets, orders, shipments]
touches:
  model.complaints: {forward: 27}
  model.logistics: {forward: 27}
minimum: 0
since: 1
--- */
WITH facts AS (
    SELECT c.day AS day, c.channel AS channel, 1 AS complaints, 0 AS shipped
    FROM model.complaints AS c
    UNION ALL
    SELECT l.day AS day, l.channel AS channel, 0 AS complaints, l.shipped_orders AS shipped
    FROM model.logistics AS l
    WHERE l.shipped_orders > 0
), daily AS (
    SELECT f.day AS day, f.channel AS channel, SUM(f.complaints) AS complaints, SUM(f.shipped) AS shipped
    FROM facts AS f
    GROUP BY f.day, f.channel
), cuts AS (
    SELECT 'total' AS dimension
    UNION ALL SELECT 'channel' AS dimension
)
SELECT
    d.day AS day, c.dimension AS dimension,
    CASE c.dimension WHEN 'channel' THEN f.channel ELSE '' END AS segment,
    SUM(f.complaints) AS numerator,
    SUM(f.shipped) AS denominator
FROM run.days AS d
CROSS JOIN cuts AS c
JOIN daily AS f ON f.day <= d.day AND f.day >= CAST(d.day - INTERVAL '27' DAY AS DATE)
GROUP BY d.day, c.dimension, CASE c.dimension WHEN 'channel' THEN f.channel ELSE '' END
