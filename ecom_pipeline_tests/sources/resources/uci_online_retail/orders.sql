/* ---
description: >
  One invoice. A cancellation has an invoice of its own (C…), whose original the data do not tell: it is an order
  cancelled as it begins. Stock movements without a sale, and write-offs of debt below zero, are no orders.
--- */
SELECT
  l._record AS _record,
  INSTANCE_NAME() AS shop,
  l.invoice AS order_id,
  l.invoice AS order_reference,
  l.day AS day,
  MIN(l.invoiced_at) AS ordered_at,
  MIN(l.customer) AS customer,
  'GBP' AS currency,
  MIN(l.country) AS country,
  FALSE AS is_test,
  FALSE AS is_voided,
  MIN(CASE WHEN l.invoice LIKE 'C%' THEN l.invoiced_at ELSE NULL END) AS cancelled_at
FROM source.invoice_lines AS l
WHERE
  l.invoice LIKE 'C%'
  OR (l.quantity > 0 AND (l.price > 0 OR (l.price = 0 AND l.customer IS NOT NULL)))
GROUP BY l._record, l.invoice, l.day
