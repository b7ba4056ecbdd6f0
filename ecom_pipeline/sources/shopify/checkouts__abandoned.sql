/* ---
description: Checkouts that were left and never completed; those completed later are counted as their orders.
--- */
SELECT
  c._record AS _record,
  INSTANCE_NAME() AS shop,
  CONCAT('checkout-', c.id) AS checkout_id,
  LOCAL_DAY(c.created_at) AS day,
  c.created_at AS started_at,
  FALSE AS is_completed,
  c.device AS device,
  c.country AS country
FROM source.abandoned_checkouts AS c
WHERE c.completed_at IS NULL
