/* ---
description: One message of a campaign, an e-mail or SMS, on the day it was sent, with what came of it so far.
--- */
SELECT
  m._record AS _record,
  INSTANCE_NAME() AS platform,
  m.message_id AS message_id,
  m.campaign_id AS campaign_id,
  m.campaign AS campaign,
  m.medium AS medium,
  m.day AS day,
  m.sent_at AS sent_at,
  m.recipients AS recipients,
  m.delivered AS delivered,
  m.bounced AS bounced,
  m.opens AS opens,
  m.clicks AS clicks,
  m.unsubscribes AS unsubscribes,
  m.spam_complaints AS spam_complaints,
  m.conversions AS conversions,
  CAST(m.conversion_value AS DECIMAL(18, 2)) AS conversion_value,
  m.currency AS currency
FROM source.messages AS m
