/* ---
description: >
  Organic search results of one day, device and country. The day is Google's, in Pacific time, taken as it is:
  results are not told by the hour, so no other day can be made of them.
--- */
SELECT
  r._record AS _record,
  INSTANCE_NAME() AS property,
  r.day AS day,
  LOWER(r.device) AS device,
  r.country AS country,
  r.clicks AS clicks,
  r.impressions AS impressions,
  CAST(r.position_sum AS DECIMAL(18, 1)) AS position_sum
FROM source.search_results AS r
