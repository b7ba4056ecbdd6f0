/* ---
name: {fr: "Empreinte carbone", en: "Carbon footprint"}
definition:
  fr: "Activité fois facteur d'émission (transport, emballages, retours, énergie, hébergement) sur 365 jours, en tonnes équivalent CO₂ ; chaque facteur garde sa source et son année."
  en: "Activity times emission factor (transport, packaging, returns, energy, hosting) over 365 days, in tonnes of CO₂ equivalent; each factor keeps its source and year."
unit: tonnes_co2e
kind: window
window: 365
good: down
dimensions: [scope]
action:
  fr: "Regrouper les envois, alléger les emballages, préférer la route à l'avion."
  en: "Group shipments, lighten packaging, prefer road to air."
measured_by: [activities, emission_factors]
touches:
  model.emissions: {forward: 364}
minimum: 0
since: 1
--- */
WITH scopes AS (
    SELECT d.day AS day, e.scope AS scope,
        CAST(SUM(e.kgco2e) * CAST(0.001 AS DECIMAL(4, 3)) AS DECIMAL(28, 4)) AS tonnes,
        SUM(e.known_amounts) AS known_amounts, SUM(e.amounts) AS amounts
    FROM run.days AS d
    JOIN model.emissions AS e ON e.day <= d.day AND e.day >= CAST(d.day - INTERVAL '364' DAY AS DATE)
    GROUP BY d.day, e.scope
)
SELECT
    s.day AS day, 'scope' AS dimension, s.scope AS segment, s.tonnes AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator, s.known_amounts AS covered, s.amounts AS coverable
FROM scopes AS s
UNION ALL
SELECT
    s.day AS day, 'total' AS dimension, '' AS segment, SUM(s.tonnes) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator, SUM(s.known_amounts) AS covered, SUM(s.amounts) AS coverable
FROM scopes AS s
GROUP BY s.day
