/* ---
name: {fr: "Abonnés", en: "Followers"}
definition:
  fr: "Comptes qui suivent la boutique en fin de journée, lus le matin suivant ; les réseaux ne disent pas le passé."
  en: "Accounts that follow the shop at the day's end, as seen on the next morning; networks do not tell the past."
unit: count
kind: snapshot
good: up
dimensions: [network]
action:
  fr: "Regarder après quelles publications les gens partent ou arrivent."
  en: "Look after which posts people leave or arrive."
measured_by: [social_performance]
snapshots: [social_performance]
minimum: 0
since: 1
--- */
WITH counted AS (
    SELECT p.day AS day, p.network AS network, p.followers AS followers
    FROM mapped.social_performance AS p
    JOIN run.days AS d ON d.day = p.day
)
SELECT
    c.day AS day, 'total' AS dimension, '' AS segment, SUM(c.followers) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM counted AS c
GROUP BY c.day
UNION ALL
SELECT
    c.day AS day, 'network' AS dimension, c.network AS segment, SUM(c.followers) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM counted AS c
GROUP BY c.day, c.network
