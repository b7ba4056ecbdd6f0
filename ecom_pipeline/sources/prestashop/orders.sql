/* ---
description: One row per order as it stands now; one that never came into a state in which orders count is no order yet. The shop notes no visit, so its channel is not known.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  o.reference AS order_reference,
  o.reference AS order_number,
  LOCAL_DAY(o.created_at) AS day,
  o.created_at AS ordered_at,
  o.customer AS customer,
  o.currency AS currency,
  o.country AS country,
  '(not set)' AS utm_source,
  o.discount_code AS discount_code,
  FALSE AS is_test,
  NOT o.is_counted AS is_voided,
  o.cancelled_at AS cancelled_at
FROM source.orders AS o
