/* ---
name: {fr: "Portée", en: "Reach"}
definition:
  fr: "Comptes touchés au cours des 28 jours, chacun une fois, comme le réseau les compte : jamais une somme de jours. Un compte touché par deux réseaux compte pour chacun."
  en: "Accounts reached within the 28 days, each once, as the network counts them: never a sum of days. An account reached on two networks counts for each."
unit: count
kind: window
window: 28
rests_on: 1
good: up
dimensions: [network]
action:
  fr: "Varier les formats et les heures ; s'associer à d'autres comptes."
  en: "Vary formats and hours; join forces with other accounts."
measured_by: [social_performance]
matures_after: 2
minimum: 0
since: 1
--- */
WITH counted AS (
    SELECT p.day AS day, p.network AS network, p.reach_28_days AS reach
    FROM mapped.social_performance AS p
    JOIN run.days AS d ON d.day = p.day
)
SELECT
    c.day AS day, 'total' AS dimension, '' AS segment, SUM(c.reach) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM counted AS c
GROUP BY c.day
UNION ALL
SELECT
    c.day AS day, 'network' AS dimension, c.network AS segment, SUM(c.reach) AS numerator,
    CAST(NULL AS DECIMAL(38, 4)) AS denominator
FROM counted AS c
GROUP BY c.day, c.network
