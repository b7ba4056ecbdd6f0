/* ---
description: One row per variant whose stock is counted and day of snapshot; a variant of a product that is drafted or archived is not active.
--- */
SELECT
  v._record AS _record,
  INSTANCE_NAME() AS shop,
  v.id AS product_id,
  v.title AS product,
  v.snapshot_day AS day,
  v.on_hand AS on_hand,
  v.is_active AS is_active
FROM source.variants AS v
WHERE v.on_hand IS NOT NULL
