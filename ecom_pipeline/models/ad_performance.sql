/* ---
grain: a campaign on a day
description: What the ad platforms delivered and cost, in the reporting currency, by default channel group. A campaign is told with its account, as two platforms may each have one of the same name.
key: [platform, day, campaign_id]
--- */
SELECT
    a.day AS day, a.platform AS platform, a.campaign_id AS campaign_id, CONCAT(a.platform, ': ', a.campaign) AS account_campaign, a.channel AS channel,
    CASE WHEN a.currency = s.currency THEN a.spend
         ELSE CAST(TO_REPORTING(a.spend, f.rate, f.reporting_rate) AS DECIMAL(18, 4)) END AS spend,
    a.clicks AS clicks, a.impressions AS impressions, a.conversions AS conversions,
    CASE WHEN a.currency = s.currency THEN a.conversion_value
         ELSE TO_REPORTING(a.conversion_value, f.rate, f.reporting_rate) END AS conversion_value,
    a.top_impressions AS top_impressions
FROM mapped.ad_performance AS a
JOIN run.days AS d ON d.day = a.day
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = a.day AND f.currency = a.currency
