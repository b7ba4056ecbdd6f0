/* ---
description: One review of a product that the shop shows, on the day it was written.
--- */
SELECT
  r._record AS _record,
  INSTANCE_NAME() AS platform,
  r.id AS review_id,
  LOCAL_DAY(r.created_at) AS day,
  r.created_at AS created_at,
  r.product_id AS product_id,
  r.product AS product,
  r.stars AS stars,
  r.is_verified AS is_verified
FROM source.reviews AS r
WHERE r.is_shown
