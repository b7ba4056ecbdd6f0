/* ---
description: One row per variant and day of snapshot, with the unit cost entered on that day.
--- */
SELECT
  v._record AS _record,
  INSTANCE_NAME() AS shop,
  v.id AS product_id,
  v.title AS product,
  v.snapshot_day AS day,
  CAST(v.unit_cost AS DECIMAL(18, 4)) AS unit_cost,
  v.currency AS currency
FROM source.variants AS v
