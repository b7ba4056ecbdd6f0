/* ---
description: Sessions of one day, channel, device and country; the steps to purchase come from the other report.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS property,
  t.day AS day,
  t.channel AS channel,
  LOWER(t.device) AS device,
  CASE WHEN t.country IN ('', '(not set)') THEN NULL ELSE t.country END AS country,
  t.sessions AS sessions,
  t.engaged_sessions AS engaged_sessions,
  t.engaged_seconds AS engaged_seconds,
  t.read_share AS read_share
FROM source.traffic AS t
