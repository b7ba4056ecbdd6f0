/* ---
description: >
  One campaign on one day. Conversions are payments on the website as TikTok attributes them, within the windows
  of the advertising account (a click within 7 days or a view within 1 day, unless changed there).
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
  c.clicks AS clicks,
  c.impressions AS impressions,
  CAST(c.payments AS DECIMAL(18, 2)) AS conversions,
  CAST(c.payment_value AS DECIMAL(18, 2)) AS conversion_value
FROM source.campaign_report AS c
