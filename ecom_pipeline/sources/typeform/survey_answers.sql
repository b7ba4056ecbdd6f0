/* ---
description: One answer to how likely somebody is to recommend the shop, on the day it was given.
--- */
SELECT
  a._record AS _record,
  INSTANCE_NAME() AS survey,
  a.answer_id AS answer_id,
  a.day AS day,
  a.answered_at AS answered_at,
  a.score AS score
FROM source.answers AS a
