/* ---
description: One row per order as it stands now. Money lives in sale_lines; currency is the buyer's.
--- */
SELECT
  o._record AS _record,
  INSTANCE_NAME() AS shop,
  o.id AS order_id,
  o.id AS order_reference,
  o.name AS order_number,
  LOCAL_DAY(o.created_at) AS day,
  o.created_at AS ordered_at,
  o.customer AS customer,
  o.currency AS currency,
  o.country AS country,
  o.device AS device,
  o.utm_source AS utm_source,
  o.utm_medium AS utm_medium,
  o.utm_campaign AS utm_campaign,
  o.referrer_host AS referrer_host,
  o.discount_code AS discount_code,
  o.is_test AS is_test,
  COALESCE(o.financial_status = 'VOIDED', FALSE) AS is_voided,
  o.cancelled_at AS cancelled_at
FROM source.orders AS o
