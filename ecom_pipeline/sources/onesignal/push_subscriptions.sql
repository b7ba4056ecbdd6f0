/* ---
description: How many devices an app reaches by push, as seen on the morning after the day.
--- */
SELECT
  a._record AS _record,
  INSTANCE_NAME() AS platform,
  a.app_id AS app_id,
  a.snapshot_day AS day,
  a.devices AS devices,
  a.reachable AS reachable
FROM source.app AS a
