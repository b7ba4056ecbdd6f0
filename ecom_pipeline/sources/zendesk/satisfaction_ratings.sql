/* ---
description: One answer to how the service was, on the day it was given or last changed.
--- */
SELECT
  r._record AS _record,
  INSTANCE_NAME() AS desk,
  r.id AS rating_id,
  r.ticket_id AS ticket_id,
  LOCAL_DAY(r.updated_at) AS day,
  r.updated_at AS rated_at,
  r.is_good AS is_good
FROM source.ratings AS r
