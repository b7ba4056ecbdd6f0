/* ---
description: One row per parcel, to a customer or back, with the order number its shop gave; the country is the customer's.
--- */
SELECT
  p._record AS _record,
  INSTANCE_NAME() AS platform,
  p.parcel_id AS parcel_id,
  p.day AS day,
  p.shop AS shop,
  p.order_number AS order_number,
  p.announced_at AS announced_at,
  p.shipped_at AS shipped_at,
  p.delivered_at AS delivered_at,
  LOCAL_DAY(p.delivered_at) AS delivered_day,
  p.carrier AS carrier,
  p.country AS country,
  p.weight_grams AS weight_grams,
  p.is_return AS is_return
FROM source.parcels AS p
