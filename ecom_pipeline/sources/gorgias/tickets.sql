/* ---
description: One request of a customer, on the day it was made; what lies in the trash or is spam is none. When it was first answered is not told.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS desk,
  t.id AS ticket_id,
  LOCAL_DAY(t.created_at) AS day,
  t.created_at AS created_at,
  t.medium AS medium,
  t.is_complaint AS is_complaint,
  CAST(NULL AS BIGINT) AS first_reply_minutes,
  t.solved_at AS solved_at
FROM source.tickets AS t
WHERE NOT t.is_trashed AND NOT t.is_spam
