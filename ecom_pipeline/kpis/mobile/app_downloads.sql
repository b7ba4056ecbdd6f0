/* ---
name: {fr: "Téléchargements de l'application", en: "App downloads"}
definition:
  fr: "Premières installations de l'application : à l'App Store, premiers téléchargements ; sur Google Play, personnes qui l'installent sur leur premier appareil. Les jours sont ceux des magasins (heure du Pacifique), montrés après une semaine : les magasins comptent en retard."
  en: "First installs of the app: first downloads in the App Store; on Google Play, people who install it on their first device. Days are the stores' own (Pacific time), shown after a week: the stores count late."
unit: count
kind: flow
good: up
dimensions: [store]
action:
  fr: "Soigner la page de l'application dans les magasins ; la proposer après l'achat."
  en: "Look after the app's page in the stores; offer the app after a purchase."
measured_by: [app_installs]
matures_after: 7
minimum: 0
since: 1
--- */
SELECT
    a.day AS day, a.store AS store,
    a.first_installs AS numerator
FROM mapped.app_installs AS a
JOIN run.days AS d ON d.day = a.day
