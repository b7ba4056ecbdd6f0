/* ---
description: >
  One campaign on one day. The channel is the default channel group to which sessions of such a campaign count;
  impressions above the organic results are known of searches only.
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS platform,
  c.day AS day,
  c.campaign_id AS campaign_id,
  c.campaign AS campaign,
  CASE c.channel_type
    WHEN 'SEARCH' THEN 'Paid Search'
    WHEN 'PERFORMANCE_MAX' THEN 'Cross-network'
    WHEN 'SHOPPING' THEN 'Paid Shopping'
    WHEN 'DISPLAY' THEN 'Display'
    WHEN 'VIDEO' THEN 'Paid Video'
    ELSE 'Paid Other'
  END AS channel,
  c.currency AS currency,
  CAST(c.cost AS DECIMAL(18, 4)) AS spend,
  c.clicks AS clicks,
  c.impressions AS impressions,
  CAST(c.conversions AS DECIMAL(18, 2)) AS conversions,
  CAST(c.conversion_value AS DECIMAL(18, 2)) AS conversion_value,
  CASE WHEN c.channel_type = 'SEARCH' THEN COALESCE(c.top_impressions, 0) ELSE c.top_impressions END
    AS top_impressions
FROM source.campaign_performance AS c
