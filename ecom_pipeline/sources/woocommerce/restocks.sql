/* ---
description: Articles of a refund. The API does not tell whether they went back on the shelf; a refund of articles is taken for it.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  l.line_id AS restock_id,
  l.refund_id AS refund_id,
  LOCAL_DAY(l.happened_at) AS day,
  l.happened_at AS happened_at,
  l.product_id AS product_id,
  -l.quantity AS quantity,
  'returned' AS restock_type
FROM source.orders AS o
INNER JOIN source.lines AS l ON l._record = o._record
WHERE l.refund_id IS NOT NULL AND l.kind = 'product' AND l.quantity < 0
