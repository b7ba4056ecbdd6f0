/* ---
description: One push sent to many devices, with those that opened it; which orders came of it OneSignal does not tell.
--- */
SELECT
  m._record AS _record,
  INSTANCE_NAME() AS platform,
  m.id AS message_id,
  m.id AS campaign_id,
  m.name AS campaign,
  'push' AS medium,
  LOCAL_DAY(m.sent_at) AS day,
  m.sent_at AS sent_at,
  m.successful + m.failed + m.errored + m.remaining AS recipients,
  m.successful AS delivered,
  m.failed + m.errored AS bounced,
  CAST(NULL AS BIGINT) AS opens,
  m.converted AS clicks,
  CAST(NULL AS BIGINT) AS unsubscribes,
  CAST(NULL AS BIGINT) AS spam_complaints,
  CAST(NULL AS BIGINT) AS conversions,
  CAST(NULL AS DECIMAL(18, 2)) AS conversion_value,
  CAST(NULL AS VARCHAR) AS currency
FROM source.messages AS m
