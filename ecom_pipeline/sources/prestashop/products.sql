/* ---
description: One row per product or combination and day of snapshot, with the cost entered on that day, in the shop's currency.
--- */
SELECT
  p._record AS _record,
  INSTANCE_NAME() AS shop,
  p.id AS product_id,
  p.name AS product,
  p.snapshot_day AS day,
  CAST(p.unit_cost AS DECIMAL(18, 4)) AS unit_cost,
  p.currency AS currency
FROM source.products AS p
