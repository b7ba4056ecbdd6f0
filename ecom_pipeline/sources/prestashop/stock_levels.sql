/* ---
description: One row per product or combination whose stock is told and day of snapshot; a combination is on sale while its product is.
--- */
SELECT
  p._record AS _record,
  INSTANCE_NAME() AS shop,
  p.id AS product_id,
  p.name AS product,
  p.snapshot_day AS day,
  p.on_hand AS on_hand,
  p.is_active AS is_active
FROM source.products AS p
WHERE p.on_hand IS NOT NULL
