/* ---
description: Articles of a credit slip or of an order that was given up. The webservice does not tell which slip's went back on the shelf; a slip of articles is taken for it.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  CONCAT(o.id, '-', l.line_id) AS restock_id,
  l.refund_id AS refund_id,
  LOCAL_DAY(l.happened_at) AS day,
  l.happened_at AS happened_at,
  l.product_id AS product_id,
  -l.quantity AS quantity,
  CASE WHEN l.refund_id = 'given-up' THEN 'cancelled' ELSE 'returned' END AS restock_type
FROM source.orders AS o
INNER JOIN source.lines AS l ON l._record = o._record
WHERE l.refund_id IS NOT NULL AND l.kind = 'product' AND l.quantity < 0
