/* ---
grain: what one ledger tells of an activity on a day, at a site or with a carrier
description: Amounts on the days they belong to. An invoice over several days is spread evenly, in whole ten-thousandths, so that the days add up to it.
key: [ledger, activity_id, day]
touches:
  mapped.activities: {forward: 400}
--- */
WITH told AS (
    SELECT
        a.ledger AS ledger, a.activity_id AS activity_id, d.day AS day, a.kind AS kind, a.activity AS activity,
        a.unit AS unit, a.site AS site, a.carrier AS carrier, a.is_sustainable AS is_sustainable,
        CAST(a.quantity * 10000 AS BIGINT) AS parts,
        d.day - a.day AS before,
        COALESCE(a.last_day, a.day) - a.day + 1 AS days
    FROM mapped.activities AS a
    JOIN run.days AS d ON d.day >= a.day AND d.day <= COALESCE(a.last_day, a.day)
)
SELECT
    t.ledger AS ledger, t.activity_id AS activity_id, t.day AS day, t.kind AS kind, t.activity AS activity,
    t.unit AS unit, t.site AS site, t.carrier AS carrier, t.is_sustainable AS is_sustainable,
    CAST(
        CAST(
            FLOOR(CAST(t.parts * (t.before + 1) AS DOUBLE) / NULLIF(t.days, 0)) - FLOOR(CAST(t.parts * t.before AS DOUBLE) / NULLIF(t.days, 0))
            AS DECIMAL(18, 4)
        ) * CAST(0.0001 AS DECIMAL(5, 4)) AS DECIMAL(18, 4)
    ) AS quantity
FROM told AS t
