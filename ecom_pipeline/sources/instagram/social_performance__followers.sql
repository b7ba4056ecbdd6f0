/* ---
description: How many accounts follow the shop's, as seen on the morning after the day.
--- */
SELECT
  p._record AS _record,
  'instagram' AS network,
  INSTANCE_NAME() AS account,
  p.snapshot_day AS day,
  CAST(NULL AS BIGINT) AS reach,
  CAST(NULL AS BIGINT) AS reach_28_days,
  CAST(NULL AS BIGINT) AS impressions,
  CAST(NULL AS BIGINT) AS likes,
  CAST(NULL AS BIGINT) AS comments,
  CAST(NULL AS BIGINT) AS shares,
  CAST(NULL AS BIGINT) AS saves,
  CAST(NULL AS BIGINT) AS link_clicks,
  p.followers AS followers
FROM source.profile AS p
