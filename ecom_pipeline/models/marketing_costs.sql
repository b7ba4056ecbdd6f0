/* ---
grain: a channel on a day
description: Everything marketing cost - ad spend of all platforms; agency, tools, affiliates and influencers' fees as ecom.toml tells them, prorated by day; influencers' commissions on the day of the sale. Influencers are under Affiliates, the channel of those who are paid for the sales they bring.
key: [day, channel]
--- */
SELECT
    x.day AS day, x.channel AS channel,
    CAST(SUM(x.ad_spend) AS DECIMAL(18, 4)) AS ad_spend,
    CAST(SUM(x.other_cost) AS DECIMAL(18, 4)) AS other_cost,
    CAST(SUM(x.ad_spend) + SUM(x.other_cost) AS DECIMAL(18, 4)) AS cost
FROM (
    SELECT a.day AS day, a.channel AS channel, a.spend AS ad_spend, CAST(0 AS DECIMAL(18, 4)) AS other_cost
    FROM model.ad_performance AS a
    JOIN run.days AS d ON d.day = a.day
    UNION ALL
    SELECT c.day AS day, COALESCE(c.channel, 'Unassigned') AS channel, CAST(0 AS DECIMAL(18, 4)) AS ad_spend,
        c.amount AS other_cost
    FROM config.daily_costs AS c
    JOIN run.days AS d ON d.day = c.day
    WHERE c.kind IN ('marketing', 'influencer')
    UNION ALL
    SELECT l.day AS day, 'Affiliates' AS channel, CAST(0 AS DECIMAL(18, 4)) AS ad_spend, l.commission AS other_cost
    FROM model.influencer_lines AS l
    JOIN run.days AS d ON d.day = l.day
) AS x
GROUP BY x.day, x.channel
