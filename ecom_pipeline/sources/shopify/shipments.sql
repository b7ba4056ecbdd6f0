/* ---
description: One row per parcel that was handed over; fulfillments that were called off or failed are none.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  f.id AS shipment_id,
  LOCAL_DAY(f.created_at) AS day,
  f.created_at AS shipped_at,
  f.delivered_at AS delivered_at
FROM source.orders AS o
INNER JOIN source.fulfillments AS f ON f._record = o._record
WHERE f.status NOT IN ('CANCELLED', 'ERROR', 'FAILURE')
