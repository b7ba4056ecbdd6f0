/* ---
description: How many people may be written to by e-mail or SMS, as of the day's end; joined and withdrew by their last decision.
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS platform,
  c.medium AS medium,
  c.snapshot_day AS day,
  c.subscribed AS subscribed,
  c.joined AS joined,
  c.withdrew AS withdrew
FROM source.consents AS c
