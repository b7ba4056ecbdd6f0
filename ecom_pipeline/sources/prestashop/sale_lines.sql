/* ---
description: One row per line of the sale, of each credit slip, and of what was left when an order was given up, signed. Gross is the line before its share of the order's discount; what is given back knows none.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  CONCAT(o.id, '-', l.line_id) AS line_id,
  LOCAL_DAY(l.happened_at) AS day,
  l.happened_at AS happened_at,
  CASE WHEN l.refund_id IS NULL THEN 'sale' ELSE 'refund' END AS action,
  CASE WHEN l.kind IN ('product', 'shipping', 'adjustment') THEN l.kind ELSE 'other' END AS kind,
  l.product_id AS product_id,
  l.product AS product,
  l.quantity AS quantity,
  o.currency AS currency,
  CAST(l.subtotal AS DECIMAL(18, 2)) AS gross,
  CAST(l.subtotal - l.total AS DECIMAL(18, 2)) AS discount,
  CAST(l.tax AS DECIMAL(18, 2)) AS tax
FROM source.orders AS o
INNER JOIN source.lines AS l ON l._record = o._record
