/* ---
description: What one account showed and what came of it on a day of the shop; a figure that was not told is empty.
--- */
SELECT
  i._record AS _record,
  'instagram' AS network,
  INSTANCE_NAME() AS account,
  i.day AS day,
  i.reach AS reach,
  CAST(NULL AS BIGINT) AS reach_28_days,
  i.impressions AS impressions,
  i.likes AS likes,
  i.comments AS comments,
  i.shares AS shares,
  i.saves AS saves,
  i.link_clicks AS link_clicks,
  CAST(NULL AS BIGINT) AS followers
FROM source.daily_insights AS i
