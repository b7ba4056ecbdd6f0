/* ---
description: One factor with its source and year, valid from its day until a later one of the same activity.
--- */
SELECT
  f._record AS _record,
  f.activity AS activity,
  f.valid_from AS valid_from,
  f.valid_from AS day,
  f.unit AS unit,
  f.kgco2e AS kgco2e,
  f.scope AS scope,
  f.source AS source,
  f.year AS year
FROM source.factors AS f
