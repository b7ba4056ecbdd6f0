/* ---
grain: an account on a day since it was first told of
description: What a social account showed and what came of it. A figure the network did not tell is empty; is_told says whether it told how often content was shown.
key: [day, network, account]
touches:
  mapped.social_performance: {after: true}
--- */
WITH accounts AS (
    SELECT p.network AS network, p.account AS account, MIN(p.day) AS first_day
    FROM mapped.social_performance AS p
    WHERE p.impressions IS NOT NULL
    GROUP BY p.network, p.account
), told AS (
    SELECT
        p.day AS day, p.network AS network, p.account AS account,
        MAX(p.reach) AS reach, MAX(p.impressions) AS impressions, MAX(p.likes) AS likes,
        MAX(p.comments) AS comments, MAX(p.shares) AS shares, MAX(p.saves) AS saves,
        MAX(p.link_clicks) AS link_clicks
    FROM mapped.social_performance AS p
    JOIN run.days AS d ON d.day = p.day
    GROUP BY p.day, p.network, p.account
)
SELECT
    d.day AS day, a.network AS network, a.account AS account,
    t.reach AS reach,
    t.impressions AS impressions,
    t.likes + t.comments + t.shares + t.saves AS interactions,
    t.link_clicks AS link_clicks,
    t.impressions IS NOT NULL AS is_told
FROM run.days AS d
JOIN accounts AS a ON d.day >= a.first_day
LEFT JOIN told AS t ON t.day = d.day AND t.network = a.network AND t.account = a.account
