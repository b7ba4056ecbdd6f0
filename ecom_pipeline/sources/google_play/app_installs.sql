/* ---
description: >
  Installs of one app on a day and the devices it is on, all countries together. The day is Google's, in Pacific
  time, taken as it is.
--- */
SELECT
  i._record AS _record,
  'google_play' AS store,
  i.app AS app,
  i.day AS day,
  'unknown' AS country,
  i.first_installs AS first_installs,
  i.later_installs AS reinstalls,
  i.updates AS updates,
  i.active_devices AS active_devices
FROM source.installs AS i
