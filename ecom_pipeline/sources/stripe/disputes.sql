/* ---
description: One charge that the buyer's bank questions, in the currency the buyer paid, as it stands now.
--- */
SELECT
  d._record AS _record,
  INSTANCE_NAME() AS provider,
  d.id AS dispute_id,
  d.day AS day,
  CAST(d.amount AS DECIMAL(18, 2)) AS amount,
  d.currency AS currency,
  d.status AS status,
  d.reason AS reason
FROM source.disputes AS d
