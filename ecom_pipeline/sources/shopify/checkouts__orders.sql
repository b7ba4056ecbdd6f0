/* ---
description: Every order that is no test is a completed checkout, on the order's day.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  CONCAT('order-', o.id) AS checkout_id,
  LOCAL_DAY(o.created_at) AS day,
  o.created_at AS started_at,
  TRUE AS is_completed,
  o.device AS device,
  o.country AS country
FROM source.orders AS o
WHERE NOT o.is_test
