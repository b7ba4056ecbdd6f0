/* ---
description: >
  Downloads of one app in one country on a day. The day is Apple's, in Pacific time, taken as it is; how many
  devices use the app the report does not tell.
--- */
SELECT
  i._record AS _record,
  'app_store' AS store,
  i.app AS app,
  i.day AS day,
  i.country AS country,
  i.first_downloads AS first_installs,
  i.redownloads AS reinstalls,
  i.updates AS updates,
  CAST(NULL AS BIGINT) AS active_devices
FROM source.installs AS i
