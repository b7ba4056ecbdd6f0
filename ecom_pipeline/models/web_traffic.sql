/* ---
grain: a day, channel, device and country
description: Web sessions as the analytics tool counts them, and in how many of them something was added to the cart, a checkout begun, a purchase made.
key: [day, channel, device, country]
--- */
SELECT
    w.day AS day, COALESCE(w.channel, 'Unassigned') AS channel, COALESCE(w.device, 'unknown') AS device,
    COALESCE(w.country, 'unknown') AS country,
    CAST(COALESCE(SUM(w.sessions), 0) AS BIGINT) AS sessions,
    CAST(COALESCE(SUM(w.engaged_sessions), 0) AS BIGINT) AS engaged_sessions,
    CAST(COALESCE(SUM(w.engaged_seconds), 0) AS BIGINT) AS engaged_seconds,
    CAST(COALESCE(SUM(w.cart_sessions), 0) AS BIGINT) AS cart_sessions,
    CAST(COALESCE(SUM(w.checkout_sessions), 0) AS BIGINT) AS checkout_sessions,
    CAST(COALESCE(SUM(w.purchase_sessions), 0) AS BIGINT) AS purchase_sessions
FROM mapped.web_traffic AS w
JOIN run.days AS d ON d.day = w.day
GROUP BY w.day, COALESCE(w.channel, 'Unassigned'), COALESCE(w.device, 'unknown'), COALESCE(w.country, 'unknown')
