/* ---
description: The euro's rate against one currency on one day of fixing (1 EUR = rate); days without a fixing have no row.
--- */
SELECT
  r._record AS _record,
  r.day AS day,
  r.currency AS currency,
  r.rate AS rate
FROM source.rates AS r
