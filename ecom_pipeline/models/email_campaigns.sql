/* ---
grain: an e-mail or SMS of a campaign
description: What was sent to many people, how many it reached, and the sales its tool attributes to it so far, in the reporting currency. Pushes are left out, because nobody tells what they sell.
key: [platform, message_id, day]
--- */
SELECT
    c.day AS day, c.platform AS platform, c.message_id AS message_id, COALESCE(c.campaign, 'unknown') AS campaign,
    c.medium AS medium, c.recipients AS recipients, c.delivered AS delivered, c.bounced AS bounced, c.opens AS opens,
    c.clicks AS clicks, c.unsubscribes AS unsubscribes, c.spam_complaints AS spam_complaints,
    c.conversions AS conversions,
    CASE WHEN c.currency = s.currency THEN c.conversion_value
         ELSE TO_REPORTING(c.conversion_value, f.rate, f.reporting_rate) END AS conversion_value
FROM mapped.email_campaigns AS c
JOIN run.days AS d ON d.day = c.day
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = c.day AND f.currency = c.currency
WHERE c.medium IN ('email', 'sms')
