/* ---
description: One row per line item of a refund, telling whether its articles went back on the shelf.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  r.id AS restock_id,
  r.refund_id AS refund_id,
  LOCAL_DAY(r.happened_at) AS day,
  r.happened_at AS happened_at,
  r.variant_id AS product_id,
  r.quantity AS quantity,
  CASE
    WHEN r.restock_type IN ('RETURN', 'LEGACY_RESTOCK') THEN 'returned'
    WHEN r.restock_type = 'CANCEL' THEN 'cancelled'
    ELSE 'not_restocked'
  END AS restock_type
FROM source.orders AS o
INNER JOIN source.restocks AS r ON r._record = o._record
