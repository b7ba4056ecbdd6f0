/* ---
description: One payment that its buyer contests, in the currency it was paid in, as it stands now.
--- */
SELECT
  d._record AS _record,
  INSTANCE_NAME() AS provider,
  d.dispute_id AS dispute_id,
  LOCAL_DAY(d.created_at) AS day,
  CAST(d.amount AS DECIMAL(18, 2)) AS amount,
  d.currency AS currency,
  LOWER(d.status) AS status,
  d.reason AS reason
FROM source.disputes AS d
