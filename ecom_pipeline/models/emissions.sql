/* ---
grain: a day, kind of activity, activity, scope and carrier
description: Greenhouse gases of what was used and moved, at the factor valid on the day. Amounts without a factor are counted apart.
key: [day, kind, activity, carrier]
touches:
  mapped.emission_factors: {everything: true}
--- */
WITH used AS (
    SELECT a.day AS day, a.kind AS kind, a.activity AS activity, a.unit AS unit,
        COALESCE(a.carrier, 'unknown') AS carrier, SUM(a.quantity) AS quantity, COUNT(*) AS amounts
    FROM model.activities AS a
    JOIN run.days AS d ON d.day = a.day
    WHERE a.kind IN ('transport', 'returns', 'packaging', 'energy', 'hosting')
    GROUP BY a.day, a.kind, a.activity, a.unit, COALESCE(a.carrier, 'unknown')
), valid AS (
    SELECT u.day AS day, f.activity AS activity, f.unit AS unit, f.kgco2e AS kgco2e, f.scope AS scope,
        ROW_NUMBER() OVER (PARTITION BY u.day, f.activity, f.unit ORDER BY f.valid_from DESC) AS place
    FROM (SELECT DISTINCT x.day AS day, x.activity AS activity, x.unit AS unit FROM used AS x) AS u
    JOIN mapped.emission_factors AS f
        ON f.activity = u.activity AND f.unit = u.unit AND f.valid_from <= u.day
)
SELECT
    u.day AS day, u.kind AS kind, u.activity AS activity, u.carrier AS carrier,
    CASE v.scope WHEN 1 THEN '1' WHEN 2 THEN '2' WHEN 3 THEN '3' ELSE 'unknown' END AS scope,
    CAST(COALESCE(u.quantity * v.kgco2e, 0) AS DECIMAL(28, 4)) AS kgco2e,
    CAST(u.amounts AS BIGINT) AS amounts,
    CAST(CASE WHEN v.kgco2e IS NULL THEN 0 ELSE u.amounts END AS BIGINT) AS known_amounts
FROM used AS u
LEFT JOIN valid AS v ON v.day = u.day AND v.activity = u.activity AND v.unit = u.unit AND v.place = 1
