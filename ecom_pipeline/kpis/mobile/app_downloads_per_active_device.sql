/* ---
name: {fr: "Téléchargements par appareil actif", en: "App downloads per active device"}
definition:
  fr: "Premières installations des 28 jours divisées par les appareils sur lesquels l'application est active à leur fin, dans les magasins qui le disent (Google Play)."
  en: "First installs of the 28 days divided by the devices on which the app is active at their end, in the stores that tell them (Google Play)."
unit: percent
kind: window
window: 28
good: up
dimensions: [store]
measured_by: [app_installs]
touches:
  mapped.app_installs: {forward: 27}
matures_after: 7
minimum: 0
since: 1
--- */
WITH windows AS (
    SELECT
        d.day AS day, a.store AS store, a.first_installs AS installs,
        CASE WHEN a.day = d.day THEN a.active_devices ELSE 0 END AS devices
    FROM mapped.app_installs AS a
    JOIN run.days AS d ON d.day >= a.day AND d.day - INTERVAL '27' DAY <= a.day
    WHERE a.active_devices IS NOT NULL
)
SELECT
    w.day AS day, 'total' AS dimension, '' AS segment, SUM(w.installs) AS numerator, SUM(w.devices) AS denominator
FROM windows AS w
GROUP BY w.day
UNION ALL
SELECT
    w.day AS day, 'store' AS dimension, w.store AS segment, SUM(w.installs) AS numerator,
    SUM(w.devices) AS denominator
FROM windows AS w
GROUP BY w.day, w.store
