/* ---
description: One request of a customer, on the day it was made; a deleted one is none.
--- */
SELECT
  t._record AS _record,
  INSTANCE_NAME() AS desk,
  t.id AS ticket_id,
  LOCAL_DAY(t.created_at) AS day,
  t.created_at AS created_at,
  t.medium AS medium,
  t.is_complaint AS is_complaint,
  t.first_reply_minutes AS first_reply_minutes,
  t.solved_at AS solved_at,
  t.order_number AS order_number
FROM source.tickets AS t
WHERE t.status <> 'deleted'
