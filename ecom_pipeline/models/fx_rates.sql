/* ---
grain: a currency on a day
description: The European Central Bank's reference rate that holds on a day, and that of the reporting currency beside it, which is empty where it has none; days without a publication carry the last one forward, ten days at most.
key: [day, currency]
touches:
  mapped.fx_rates: {forward: 10}
--- */
WITH held AS (
    SELECT ranked.day AS day, ranked.currency AS currency, ranked.rate AS rate
    FROM (
        SELECT
            d.day AS day,
            f.currency AS currency,
            f.rate AS rate,
            ROW_NUMBER() OVER (PARTITION BY d.day, f.currency ORDER BY f.day DESC) AS age
        FROM run.days AS d
        JOIN mapped.fx_rates AS f ON f.day <= d.day AND f.day >= CAST(d.day - INTERVAL '10' DAY AS DATE)
    ) AS ranked
    WHERE ranked.age = 1
    UNION ALL
    SELECT d.day AS day, 'EUR' AS currency, CAST(1 AS DECIMAL(18, 6)) AS rate
    FROM run.days AS d
)
SELECT h.day AS day, h.currency AS currency, h.rate AS rate, t.rate AS reporting_rate
FROM held AS h
CROSS JOIN config.shop AS s
LEFT JOIN held AS t ON t.day = h.day AND t.currency = s.currency
