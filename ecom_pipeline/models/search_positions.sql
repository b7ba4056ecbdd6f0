/* ---
grain: a day, device and country
description: Clicks, impressions and impression-weighted position in organic search.
key: [day, device, country]
--- */
SELECT
    s.day AS day, COALESCE(s.device, 'unknown') AS device, COALESCE(s.country, 'unknown') AS country,
    CAST(SUM(s.clicks) AS BIGINT) AS clicks,
    CAST(SUM(s.impressions) AS BIGINT) AS impressions,
    CAST(SUM(s.position_sum) AS DECIMAL(18, 1)) AS position_sum
FROM mapped.search_positions AS s
JOIN run.days AS d ON d.day = s.day
GROUP BY s.day, COALESCE(s.device, 'unknown'), COALESCE(s.country, 'unknown')
