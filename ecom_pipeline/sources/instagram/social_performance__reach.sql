/* ---
description: >
  How many accounts were reached in the 28 days that end with a day, counted by the network. The day is the shop's
  in which the middle of the network's own day lies.
--- */
SELECT
  r._record AS _record,
  'instagram' AS network,
  INSTANCE_NAME() AS account,
  r.day AS day,
  CAST(NULL AS BIGINT) AS reach,
  r.reach AS reach_28_days,
  CAST(NULL AS BIGINT) AS impressions,
  CAST(NULL AS BIGINT) AS likes,
  CAST(NULL AS BIGINT) AS comments,
  CAST(NULL AS BIGINT) AS shares,
  CAST(NULL AS BIGINT) AS saves,
  CAST(NULL AS BIGINT) AS link_clicks,
  CAST(NULL AS BIGINT) AS followers
FROM source.reach_28_days AS r
