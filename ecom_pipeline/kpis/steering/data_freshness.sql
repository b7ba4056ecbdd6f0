/* ---
name: {fr: "Fraîcheur des données", en: "Data freshness"}
definition:
  fr: "Sources dont la journée est complète et à l'heure divisées par les sources utilisées."
  en: "Sources whose day is complete and on time divided by sources in use."
unit: percent
kind: ratio
good: up
dimensions: [source]
reference: {at_least: "1"}
action:
  fr: "Voir dans Dagster quelle source est en retard."
  en: "See in Dagster which source is late."
minimum: 0
maximum: 1
since: 1
--- */
SELECT
    f.day AS day, f.source AS source,
    CASE WHEN f.is_on_time THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
FROM ops.source_days AS f
JOIN run.days AS d ON d.day = f.day
