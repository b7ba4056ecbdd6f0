/* ---
name: {fr: "Diversité de l'encadrement", en: "Diversity in management"}
definition:
  fr: "Part de chaque groupe déclaré dans l'encadrement, au dernier comptage ; les groupes de moins de cinq personnes sont masqués."
  en: "Share of each declared group in management at the last count; groups of fewer than five people are hidden."
unit: percent
kind: snapshot
good: neutral
dimensions: [group]
measured_by: [workforce]
touches:
  mapped.workforce: {forward: 400}
minimum: 0
maximum: 1
since: 1
--- */
WITH counted AS (
    SELECT d.day AS day, w.grouping AS grouping, MAX(w.day) AS counted_on
    FROM run.days AS d
    JOIN mapped.workforce AS w ON w.day <= d.day AND w.day >= CAST(d.day - INTERVAL '400' DAY AS DATE)
    GROUP BY d.day, w.grouping
), groups AS (
    SELECT c.day AS day, w.grouping AS grouping, w.group_name AS group_name,
        SUM(w.headcount) AS headcount, SUM(w.managers) AS managers
    FROM counted AS c
    JOIN mapped.workforce AS w ON w.grouping = c.grouping AND w.day = c.counted_on
    GROUP BY c.day, w.grouping, w.group_name
), shares AS (
    SELECT g.day AS day, g.grouping AS grouping, g.group_name AS group_name, g.headcount AS headcount,
        g.managers AS people, SUM(g.managers) OVER (PARTITION BY g.day, g.grouping) AS everybody
    FROM groups AS g
)
SELECT
    s.day AS day, 'group' AS dimension, CONCAT(s.grouping, ': ', s.group_name) AS segment,
    s.people AS numerator, s.everybody AS denominator
FROM shares AS s
WHERE s.headcount >= 5 AND s.everybody > 0
