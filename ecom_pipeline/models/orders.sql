/* ---
grain: a valid order
description: Orders that count - neither test nor voided, and with at least one article sold - with their day and dimensions resolved. The channel follows the default channel groups of Google Analytics 4.
key: [shop, order_id]
touches:
  mapped.sale_lines: {column: "CASE WHEN action = 'sale' AND kind = 'product' THEN order_day END"}
--- */
WITH placed AS (
    SELECT o.*
    FROM mapped.orders AS o
    JOIN run.days AS d ON d.day = o.day
    WHERE NOT COALESCE(o.is_test, FALSE) AND NOT COALESCE(o.is_voided, FALSE)
), visits AS (
    SELECT DISTINCT
        p.utm_source AS utm_source,
        p.utm_medium AS utm_medium,
        p.utm_campaign AS utm_campaign,
        p.referrer_host AS referrer_host,
        LOWER(TRIM(COALESCE(p.utm_source, ''))) AS source,
        LOWER(TRIM(COALESCE(p.utm_medium, ''))) AS medium,
        LOWER(COALESCE(p.utm_campaign, '')) AS campaign,
        LOWER(COALESCE(p.referrer_host, '')) AS host
    FROM placed AS p
), sites AS (
    SELECT 'google' AS label, 'search' AS kind
    UNION ALL SELECT 'bing' AS label, 'search' AS kind
    UNION ALL SELECT 'yahoo' AS label, 'search' AS kind
    UNION ALL SELECT 'duckduckgo' AS label, 'search' AS kind
    UNION ALL SELECT 'ecosia' AS label, 'search' AS kind
    UNION ALL SELECT 'qwant' AS label, 'search' AS kind
    UNION ALL SELECT 'baidu' AS label, 'search' AS kind
    UNION ALL SELECT 'yandex' AS label, 'search' AS kind
    UNION ALL SELECT 'facebook' AS label, 'social' AS kind
    UNION ALL SELECT 'fb' AS label, 'social' AS kind
    UNION ALL SELECT 'instagram' AS label, 'social' AS kind
    UNION ALL SELECT 'ig' AS label, 'social' AS kind
    UNION ALL SELECT 'pinterest' AS label, 'social' AS kind
    UNION ALL SELECT 'tiktok' AS label, 'social' AS kind
    UNION ALL SELECT 'linkedin' AS label, 'social' AS kind
    UNION ALL SELECT 'twitter' AS label, 'social' AS kind
    UNION ALL SELECT 'x' AS label, 'social' AS kind
    UNION ALL SELECT 'snapchat' AS label, 'social' AS kind
    UNION ALL SELECT 'reddit' AS label, 'social' AS kind
    UNION ALL SELECT 'youtube' AS label, 'video' AS kind
    UNION ALL SELECT 'vimeo' AS label, 'video' AS kind
    UNION ALL SELECT 'dailymotion' AS label, 'video' AS kind
), known AS (
    SELECT
        v.utm_source AS utm_source,
        v.utm_medium AS utm_medium,
        v.utm_campaign AS utm_campaign,
        v.referrer_host AS referrer_host,
        v.source AS source,
        v.medium AS medium,
        v.campaign AS campaign,
        v.host AS host,
        COALESCE(MIN(CASE WHEN CONCAT('.', v.source, '.') LIKE CONCAT('%.', s.label, '.%') THEN s.kind END), '')
            AS source_kind,
        COALESCE(MIN(CASE WHEN CONCAT('.', v.host, '.') LIKE CONCAT('%.', s.label, '.%') THEN s.kind END), '')
            AS host_kind
    FROM visits AS v
    CROSS JOIN sites AS s
    GROUP BY v.utm_source, v.utm_medium, v.utm_campaign, v.referrer_host, v.source, v.medium, v.campaign, v.host
), channels AS (
    SELECT
        k.*,
        CASE
            WHEN k.source = '' AND k.medium = '' AND k.host = '' THEN 'Direct'
            WHEN k.source = '(direct)' AND k.medium IN ('', '(none)', '(not set)') THEN 'Direct'
            WHEN k.campaign LIKE '%cross-network%' THEN 'Cross-network'
            WHEN k.medium IN ('cpc', 'ppc', 'retargeting') OR k.medium LIKE 'paid%' THEN
                CASE
                    WHEN k.campaign LIKE '%shop%' THEN 'Paid Shopping'
                    WHEN k.source_kind = 'search' THEN 'Paid Search'
                    WHEN k.source_kind = 'social' THEN 'Paid Social'
                    WHEN k.source_kind = 'video' THEN 'Paid Video'
                    ELSE 'Paid Other'
                END
            WHEN k.medium IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'Display'
            WHEN k.source_kind = 'social' OR k.medium IN ('social', 'social-network', 'social-media', 'sm')
                THEN 'Organic Social'
            WHEN k.source_kind = 'video' OR k.medium LIKE '%video%' THEN 'Organic Video'
            WHEN k.source_kind = 'search' OR k.medium = 'organic' THEN 'Organic Search'
            WHEN k.source IN ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter')
                OR k.medium IN ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter') THEN 'Email'
            WHEN k.medium IN ('affiliate', 'affiliates') THEN 'Affiliates'
            WHEN k.medium = 'audio' THEN 'Audio'
            WHEN k.source = 'sms' OR k.medium = 'sms' THEN 'SMS'
            WHEN k.medium LIKE '%push' OR k.medium LIKE '%mobile%' OR k.medium LIKE '%notification%'
                THEN 'Mobile Push Notifications'
            WHEN k.medium IN ('referral', 'app', 'link') THEN 'Referral'
            WHEN k.source = '' AND k.medium = '' AND k.host_kind = 'search' THEN 'Organic Search'
            WHEN k.source = '' AND k.medium = '' AND k.host_kind = 'social' THEN 'Organic Social'
            WHEN k.source = '' AND k.medium = '' THEN 'Referral'
            ELSE 'Unassigned'
        END AS channel
    FROM known AS k
)
SELECT
    p.day AS day,
    p.shop AS shop,
    p.order_id AS order_id,
    p.order_reference AS order_reference,
    p.ordered_at AS ordered_at,
    p.customer AS customer,
    c.channel AS channel,
    COALESCE(p.device, 'unknown') AS device,
    COALESCE(p.country, 'unknown') AS country,
    p.currency AS currency,
    p.discount_code AS discount_code,
    p.cancelled_at IS NOT NULL AS is_cancelled
FROM placed AS p
JOIN channels AS c
    ON c.utm_source IS NOT DISTINCT FROM p.utm_source
    AND c.utm_medium IS NOT DISTINCT FROM p.utm_medium
    AND c.utm_campaign IS NOT DISTINCT FROM p.utm_campaign
    AND c.referrer_host IS NOT DISTINCT FROM p.referrer_host
WHERE EXISTS (
    SELECT 1 FROM mapped.sale_lines AS l
    WHERE l.order_day = p.day AND l.shop = p.shop AND l.order_id = p.order_id
        AND l.action = 'sale' AND l.kind = 'product'
)
