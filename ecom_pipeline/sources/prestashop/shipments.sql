/* ---
description: One parcel per order, on the day the order came into a state of a parcel that has left.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  o.id AS shipment_id,
  LOCAL_DAY(o.shipped_at) AS day,
  o.shipped_at AS shipped_at,
  CAST(NULL AS TIMESTAMP) AS delivered_at
FROM source.orders AS o
WHERE o.shipped_at IS NOT NULL
