/* ---
grain: a day, device and country
description: Checkouts started on a day, and how many of them were completed.
key: [day, device, country]
--- */
SELECT
    c.day AS day, COALESCE(c.device, 'unknown') AS device, COALESCE(c.country, 'unknown') AS country,
    COUNT(*) AS started,
    CAST(SUM(CASE WHEN c.is_completed THEN 1 ELSE 0 END) AS BIGINT) AS completed
FROM mapped.checkouts AS c
JOIN run.days AS d ON d.day = c.day
GROUP BY c.day, COALESCE(c.device, 'unknown'), COALESCE(c.country, 'unknown')
