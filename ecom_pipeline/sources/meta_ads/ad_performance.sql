/* ---
description: >
  One campaign on one day. Clicks are those on links; conversions are purchases of one action type within the
  attribution windows of the settings (a click within 7 days or a view within 1 day, unless told otherwise).
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS platform,
  c.day AS day,
  c.campaign_id AS campaign_id,
  c.campaign AS campaign,
  'Paid Social' AS channel,
  c.currency AS currency,
  CAST(c.spend AS DECIMAL(18, 4)) AS spend,
  c.link_clicks AS clicks,
  c.impressions AS impressions,
  CAST(c.purchases AS DECIMAL(18, 2)) AS conversions,
  CAST(c.purchase_value AS DECIMAL(18, 2)) AS conversion_value
FROM source.campaign_insights AS c
