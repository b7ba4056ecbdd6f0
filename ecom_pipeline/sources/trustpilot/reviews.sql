/* ---
description: One review of the shop itself, on the day it was written; it has no product.
--- */
SELECT
  r._record AS _record,
  INSTANCE_NAME() AS platform,
  r.id AS review_id,
  r.day AS day,
  r.created_at AS created_at,
  CAST(NULL AS VARCHAR) AS product_id,
  CAST(NULL AS VARCHAR) AS product,
  r.stars AS stars,
  r.is_verified AS is_verified
FROM source.reviews AS r
WHERE r.status = 'active'
