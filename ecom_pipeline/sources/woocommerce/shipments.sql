/* ---
description: One parcel per completed order, on the day it was completed, because the platform knows no parcels of its own.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  LOCAL_DAY(o.created_at) AS order_day,
  o.id AS shipment_id,
  LOCAL_DAY(o.completed_at) AS day,
  o.completed_at AS shipped_at,
  CAST(NULL AS TIMESTAMP) AS delivered_at
FROM source.orders AS o
WHERE o.completed_at IS NOT NULL
