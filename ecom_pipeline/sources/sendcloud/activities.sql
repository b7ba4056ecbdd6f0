/* ---
description: The way of one parcel in tonne-kilometres, on the day its label was made; a label that was never used is no way.
--- */
SELECT
  p._record AS _record,
  INSTANCE_NAME() AS ledger,
  p.parcel_id AS activity_id,
  p.day AS day,
  CASE WHEN p.is_return THEN 'returns' ELSE 'transport' END AS kind,
  CONCAT(
    'parcel_',
    CASE WHEN p.is_return THEN 'return_' ELSE '' END,
    CASE WHEN p.by_air THEN 'air' ELSE 'road' END
  ) AS activity,
  CAST(p.weight_grams * p.kilometres * CAST(0.000001 AS DECIMAL(18, 6)) AS DECIMAL(18, 4)) AS quantity,
  'tkm' AS unit,
  CAST(NULL AS VARCHAR) AS site,
  p.carrier AS carrier,
  CAST(NULL AS BOOLEAN) AS is_sustainable
FROM source.parcels AS p
WHERE p.shipped_at IS NOT NULL OR p.delivered_at IS NOT NULL
