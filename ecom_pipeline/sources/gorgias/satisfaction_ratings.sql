/* ---
description: One answered survey, on the day it was answered; four stars and more are good.
--- */
SELECT
  r._record AS _record,
  INSTANCE_NAME() AS desk,
  r.id AS rating_id,
  r.ticket_id AS ticket_id,
  LOCAL_DAY(r.scored_at) AS day,
  r.scored_at AS rated_at,
  r.score >= 4 AS is_good
FROM source.ratings AS r
