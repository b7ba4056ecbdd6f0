/* ---
description: >
  Sales (quantity and price above zero), articles given to a customer at no price, and cancellations (C…), at the
  prices recorded, tax unknown. The adjustment of a debt (A…) above zero is a sale, as in the published totals.
  Stock movements (no customer and no price, or no C and below zero) are no lines.
--- */
SELECT
  l._record AS _record,
  INSTANCE_NAME() AS shop,
  l.invoice AS order_id,
  l.day AS order_day,
  l.row_id AS line_id,
  l.day AS day,
  l.invoiced_at AS happened_at,
  CASE WHEN l.invoice LIKE 'C%' THEN 'refund' ELSE 'sale' END AS action,
  'product' AS kind,
  l.product_id AS product_id,
  l.product AS product,
  l.quantity AS quantity,
  'GBP' AS currency,
  CAST(l.quantity * l.price AS DECIMAL(18, 2)) AS gross,
  CAST(0 AS DECIMAL(18, 2)) AS discount,
  CAST(0 AS DECIMAL(18, 2)) AS tax
FROM source.invoice_lines AS l
WHERE
  l.invoice LIKE 'C%'
  OR (l.quantity > 0 AND (l.price > 0 OR (l.price = 0 AND l.customer IS NOT NULL)))
