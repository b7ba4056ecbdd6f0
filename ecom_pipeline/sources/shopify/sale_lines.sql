/* ---
description: One row per line of each agreement (sale, edit, refund, return), signed as Shopify gives it.
  Gross is the amount without tax and before discount, so total minus tax plus discount.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  l.id AS line_id,
  LOCAL_DAY(l.happened_at) AS day,
  l.happened_at AS happened_at,
  l.action AS action,
  CASE
    WHEN l.line_type IN ('product', 'gift_card', 'shipping', 'adjustment', 'tip') THEN l.line_type
    ELSE 'other'
  END AS kind,
  l.variant_id AS product_id,
  l.title AS product,
  COALESCE(l.quantity, 0) AS quantity,
  l.currency AS currency,
  CAST(l.total_amount - l.total_tax + l.discount_before_taxes AS DECIMAL(18, 2)) AS gross,
  CAST(l.discount_before_taxes AS DECIMAL(18, 2)) AS discount,
  CAST(l.total_tax AS DECIMAL(18, 2)) AS tax
FROM source.orders AS o
INNER JOIN source.sale_lines AS l ON l._record = o._record
