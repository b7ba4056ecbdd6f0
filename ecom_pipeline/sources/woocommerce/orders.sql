/* ---
description: One row per order as it stands now; one whose status brings no revenue was never paid, or is no order yet. Gateways write an order's number on its payment.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  o.number AS order_reference,
  o.number AS order_number,
  LOCAL_DAY(o.created_at) AS day,
  o.created_at AS ordered_at,
  o.customer AS customer,
  o.currency AS currency,
  o.country AS country,
  o.device AS device,
  o.utm_source AS utm_source,
  o.utm_medium AS utm_medium,
  o.utm_campaign AS utm_campaign,
  o.discount_code AS discount_code,
  FALSE AS is_test,
  NOT o.is_revenue AS is_voided
FROM source.orders AS o
