/* ---
grain: a day, channel, device and country
description: Web sessions as the analytics tool counts them, and in how many of them something was added to the cart, a checkout begun, a purchase made. Beside them how many were counted and not estimated from a sample, and among those of the path to purchase, of which the day's worst sample counts.
key: [day, channel, device, country]
--- */
SELECT
    s.day AS day, s.channel AS channel, s.device AS device, s.country AS country, s.sessions AS sessions,
    s.engaged_sessions AS engaged_sessions, s.engaged_seconds AS engaged_seconds, s.cart_sessions AS cart_sessions,
    s.checkout_sessions AS checkout_sessions, s.purchase_sessions AS purchase_sessions,
    s.sessions_read AS sessions_read,
    CAST(LEAST(s.sessions_read, s.sessions * p.read_share) AS DECIMAL(18, 4)) AS path_sessions_read,
    CAST(s.cart_sessions * p.read_share AS DECIMAL(18, 4)) AS cart_sessions_read
FROM (
    SELECT
        w.day AS day, COALESCE(w.channel, 'Unassigned') AS channel, COALESCE(w.device, 'unknown') AS device,
        COALESCE(w.country, 'unknown') AS country,
        CAST(COALESCE(SUM(w.sessions), 0) AS BIGINT) AS sessions,
        CAST(COALESCE(SUM(w.engaged_sessions), 0) AS BIGINT) AS engaged_sessions,
        CAST(COALESCE(SUM(w.engaged_seconds), 0) AS BIGINT) AS engaged_seconds,
        CAST(COALESCE(SUM(w.cart_sessions), 0) AS BIGINT) AS cart_sessions,
        CAST(COALESCE(SUM(w.checkout_sessions), 0) AS BIGINT) AS checkout_sessions,
        CAST(COALESCE(SUM(w.purchase_sessions), 0) AS BIGINT) AS purchase_sessions,
        CAST(COALESCE(SUM(w.sessions * COALESCE(w.read_share, 1)), 0) AS DECIMAL(18, 4)) AS sessions_read
    FROM mapped.web_traffic AS w
    JOIN run.days AS d ON d.day = w.day
    GROUP BY w.day, COALESCE(w.channel, 'Unassigned'), COALESCE(w.device, 'unknown'), COALESCE(w.country, 'unknown')
) AS s
JOIN (
    SELECT
        w.day AS day,
        MIN(CASE WHEN w.cart_sessions IS NULL THEN 1 ELSE COALESCE(w.read_share, 1) END) AS read_share
    FROM mapped.web_traffic AS w
    JOIN run.days AS d ON d.day = w.day
    GROUP BY w.day
) AS p ON p.day = s.day
