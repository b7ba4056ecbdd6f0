/* ---
description: Sessions of one day, channel, device and country in which one step to purchase was taken.
--- */
SELECT
  e._record AS _record,
  INSTANCE_NAME() AS property,
  e.day AS day,
  e.channel AS channel,
  LOWER(e.device) AS device,
  CASE WHEN e.country IN ('', '(not set)') THEN NULL ELSE e.country END AS country,
  CASE WHEN e.event = 'add_to_cart' THEN e.sessions ELSE 0 END AS cart_sessions,
  CASE WHEN e.event = 'begin_checkout' THEN e.sessions ELSE 0 END AS checkout_sessions,
  CASE WHEN e.event = 'purchase' THEN e.sessions ELSE 0 END AS purchase_sessions,
  e.read_share AS read_share
FROM source.events AS e
