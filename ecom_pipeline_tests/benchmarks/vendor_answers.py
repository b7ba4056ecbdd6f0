"""The made-up shop's truth, and what each vendor tells of it, as SQL.

Placeholders: {start} and {end} of the window as instants in UTC, {first_day} and {last_day} as local days.
Every answer carries `i`, the number of the order or other thing behind it.
"""

from __future__ import annotations

TRUTH = (
    "CREATE MACRO u(i, salt) AS (HASH(i, salt) % 1000003) / 1000003.0",
    "CREATE MACRO local_day(ts) AS CAST(TIMEZONE('Europe/Paris', TIMEZONE('UTC', ts)) AS DATE)",
    """
    CREATE TABLE visits AS SELECT * FROM (VALUES
        (0, 'google', 'cpc', 'brand', 'www.google.com'), (1, 'google', 'cpc', 'shopping-all', 'www.google.com'),
        (2, NULL, NULL, NULL, 'www.google.fr'), (3, NULL, NULL, NULL, NULL),
        (4, 'newsletter', 'email', 'weekly', NULL), (5, 'instagram', 'paid_social', 'lookalike', 'l.instagram.com'),
        (6, 'facebook', 'social', NULL, 'l.facebook.com'), (7, 'partner', 'affiliate', 'blog', 'blog.example'),
        (8, NULL, NULL, NULL, 'press.example'), (9, 'google', 'display', 'remarketing', NULL)
    ) AS t(visit, utm_source, utm_medium, utm_campaign, referrer_host)
    """,
    """
    CREATE TABLE countries AS SELECT UNNEST(RANGE(12)) AS c,
        UNNEST(['FR', 'DE', 'BE', 'ES', 'IT', 'NL', 'LU', 'PT', 'AT', 'IE', 'GB', 'CH']) AS country
    """,
    """
    CREATE TABLE facts AS
    WITH drawn AS (
        SELECT i, 1000000 + i AS id,
            CAST('{first_day}' AS TIMESTAMP) + INTERVAL '1' SECOND * CAST(i * ({days} * 86400.0 / {orders}) AS BIGINT)
                AS created_at,
            u(i, 1) < 0.6 AS is_new, u(i, 2) AS u2,
            CAST(FLOOR(12 * POW(u(i, 3), 2)) AS INTEGER) AS c, CAST(FLOOR(10 * u(i, 4)) AS INTEGER) AS visit,
            CASE WHEN u(i, 5) < 0.6 THEN 'mobile' WHEN u(i, 5) < 0.93 THEN 'desktop' ELSE 'tablet' END AS device,
            1 + CAST(u(i, 6) < 0.5 AS INTEGER) + CAST(u(i, 7) < 0.2 AS INTEGER) AS line_count,
            u(i, 8) < 0.2 AS is_discounted, u(i, 9) < 0.6 AS pays_shipping, u(i, 10) < 0.08 AS is_refunded,
            u(i, 10) < 0.01 AS is_cancelled, u(i, 11) AS u11, u(i, 12) AS u12, u(i, 13) < 0.02 AS is_guest
        FROM (SELECT UNNEST(RANGE({orders})) AS i)
    ), numbered AS (
        SELECT *, SUM(CAST(is_new AS INTEGER)) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING) AS known FROM drawn
    )
    SELECT i, CAST(id AS VARCHAR) AS id, created_at, local_day(created_at) AS day,
        CASE WHEN NOT is_guest THEN
            MD5(CAST(CASE WHEN is_new THEN known ELSE GREATEST(1, CAST(known - known * POW(u2, 1.5) AS BIGINT)) END
                AS VARCHAR)) END AS customer,
        c, visit, device, line_count, is_discounted, pays_shipping, is_cancelled, NOT is_discounted AS is_full_price,
        created_at + INTERVAL '1' MINUTE * CAST(240 + 2880 * u11 AS INTEGER) AS shipped_at,
        created_at + INTERVAL '1' MINUTE * CAST(3000 + 8000 * u11 AS INTEGER) AS delivered_at,
        CASE WHEN is_cancelled THEN created_at + INTERVAL '30' MINUTE
             WHEN is_refunded THEN created_at + INTERVAL '1' MINUTE * CAST(4320 + 43200 * u12 AS INTEGER) END
            AS refunded_at
    FROM numbered ORDER BY i
    """,
    """
    CREATE TABLE lines AS
    SELECT *, CAST(quantity * (12 + product * 1.5) AS DECIMAL(18, 2)) AS gross,
        CASE WHEN is_discounted THEN CAST(quantity * (12 + product * 1.5) * 0.1 AS DECIMAL(18, 2)) ELSE 0 END AS discount
    FROM (
        SELECT f.i, f.id || '-' || k AS id, k, f.created_at, f.refunded_at, f.is_discounted, f.c,
            CAST(FLOOR(60 * POW(u(f.i * 3 + k, 14), 1.6)) AS INTEGER) AS product,
            1 + CAST(u(f.i * 3 + k, 15) < 0.15 AS INTEGER) AS quantity
        FROM facts AS f, UNNEST(RANGE(f.line_count)) AS t(k)
    )
    """,
    """
    CREATE TABLE totals AS
    SELECT f.i, f.day, f.created_at, f.refunded_at, 'ch_' || f.id AS charge_id, f.id AS order_id,
        CAST(l.amount * 1.2 + CASE WHEN f.pays_shipping THEN 4.90 ELSE 0 END AS DECIMAL(18, 2)) AS amount,
        CAST(l.first_amount * 1.2 AS DECIMAL(18, 2)) AS refund
    FROM facts AS f JOIN (
        SELECT i, SUM(gross - discount) AS amount, SUM(CASE WHEN k = 0 THEN gross - discount END) AS first_amount
        FROM lines GROUP BY i) AS l ON l.i = f.i
    """,
    """
    CREATE TABLE payouts AS
    SELECT day, day - DATE '2000-01-01' AS i, SUM(amount) AS amount FROM (
        SELECT day, amount - CAST(amount * 0.014 + 0.25 AS DECIMAL(18, 2)) AS amount FROM totals
        UNION ALL SELECT local_day(refunded_at), -refund FROM totals WHERE refunded_at IS NOT NULL)
    GROUP BY day
    """,
)

_CURRENCY = "CASE f.c WHEN 10 THEN 'GBP' WHEN 11 THEN 'CHF' ELSE 'EUR' END"
_ORDER = f"""
    SELECT f.i, f.id, '#' || f.id AS name, f.created_at, {{updated_at}} AS updated_at,
        {{cancelled_at}} AS cancelled_at, FALSE AS is_test, 'PAID' AS financial_status, {_CURRENCY} AS currency,
        f.customer, p.country, f.device, v.utm_source, v.utm_medium, v.utm_campaign, v.referrer_host,
        CASE WHEN f.is_discounted THEN 'WELCOME10' END AS discount_code
    FROM facts AS f JOIN visits AS v ON v.visit = f.visit JOIN countries AS p ON p.c = f.c
"""
_CHANGED = """GREATEST(f.created_at, CASE WHEN f.shipped_at < '{end}' AND NOT f.is_cancelled THEN f.shipped_at END,
        CASE WHEN f.delivered_at < '{end}' AND NOT f.is_cancelled THEN f.delivered_at END,
        CASE WHEN f.refunded_at < '{end}' THEN f.refunded_at END)"""

_SEGMENTS = """(
    SELECT HASH(day, channel, device, c) % 1000000 AS i, CAST(day AS DATE) AS day, channel, device, c
    FROM GENERATE_SERIES(DATE '{first_day}', DATE '{last_day}', INTERVAL 1 DAY) AS t(day),
        (SELECT UNNEST(['Paid Search', 'Paid Shopping', 'Organic Search', 'Direct', 'Email', 'Paid Social',
            'Organic Social', 'Affiliates', 'Referral', 'Display']) AS channel),
        (SELECT UNNEST(['mobile', 'desktop', 'tablet']) AS device), RANGE(12) AS r(c)
    WHERE HASH(channel, device, c) % 3 < 2)"""


# Every fourth order was read before, on the day it was placed: the log holds two versions of it.
EARLIER_VERSIONS = {
    "orders": _ORDER.format(updated_at="f.created_at", cancelled_at="CAST(NULL AS TIMESTAMP)")
    + " WHERE f.i % 4 = 0 AND f.created_at < '{end}'"
}

ANSWERS = {
    "orders": f"""SELECT * FROM ({
        _ORDER.format(
            updated_at=_CHANGED,
            cancelled_at="CASE WHEN f.is_cancelled AND f.refunded_at < '{end}' THEN f.refunded_at END",
        )
    } WHERE f.created_at < '{{end}}' AND GREATEST(f.delivered_at, COALESCE(f.refunded_at, f.delivered_at)) >= '{{start}}')
        WHERE updated_at >= '{{start}}'""",
    "abandoned_checkouts": """
        SELECT f.i, 'a' || f.id AS id, f.created_at, f.created_at AS updated_at, CAST(NULL AS TIMESTAMP) AS completed_at,
            f.device, p.country
        FROM facts AS f JOIN countries AS p ON p.c = f.c
        WHERE f.created_at >= '{start}' AND f.created_at < '{end}' AND f.i % 7 < 6""",
    "variants": """
        SELECT i, 'v' || i AS id, 'Product ' || i AS title, CAST(5 + i * 0.6 AS DECIMAL(18, 6)) AS unit_cost,
            'EUR' AS currency, 40 + i * 7 % 90 AS on_hand, TRUE AS is_active, DATE '{last_day}' AS snapshot_day
        FROM (SELECT UNNEST(RANGE(60)) AS i)""",
    "balance_transactions": """
        SELECT * FROM (
            SELECT t.i, 'txn_' || t.order_id AS id, t.day, t.created_at, t.amount, 'EUR' AS currency,
                t.created_at + INTERVAL '3' DAY AS available_at, 'charge' AS type, 'charge' AS reporting_category,
                'available' AS status, CAST(t.amount * 0.014 + 0.25 AS DECIMAL(18, 2)) AS fee,
                t.amount - CAST(t.amount * 0.014 + 0.25 AS DECIMAL(18, 2)) AS net, t.charge_id AS source_id
            FROM totals AS t
            UNION ALL
            SELECT t.i, 'txr_' || t.order_id, local_day(t.refunded_at), t.refunded_at, -t.refund, 'EUR',
                t.refunded_at + INTERVAL '3' DAY, 'refund', 'refund', 'available', 0, -t.refund, 're_' || t.order_id
            FROM totals AS t WHERE t.refunded_at IS NOT NULL
            UNION ALL
            SELECT p.i, 'txp_' || p.i, p.day, CAST(p.day AS TIMESTAMP) + INTERVAL '20' HOUR, -p.amount, 'EUR',
                CAST(p.day AS TIMESTAMP) + INTERVAL '20' HOUR, 'payout', 'payout', 'available', 0, -p.amount, 'po_' || p.i
            FROM payouts AS p
        ) WHERE day BETWEEN '{first_day}' AND '{last_day}'""",
    "charges": """
        SELECT t.i, t.charge_id AS id, t.day, t.created_at, t.amount, 'EUR' AS currency, 'succeeded' AS status,
            TRUE AS is_captured, CAST(0 AS DECIMAL(18, 2)) AS amount_refunded, t.order_id AS order_reference
        FROM totals AS t WHERE t.day BETWEEN '{first_day}' AND '{last_day}'""",
    "refunds": """
        SELECT t.i, 're_' || t.order_id AS id, local_day(t.refunded_at) AS day, t.refunded_at AS created_at,
            t.refund AS amount, 'EUR' AS currency, 'succeeded' AS status, t.charge_id, t.order_id AS order_reference
        FROM totals AS t WHERE t.refunded_at IS NOT NULL
            AND local_day(t.refunded_at) BETWEEN '{first_day}' AND '{last_day}'""",
    "payouts": """
        SELECT p.i, 'po_' || p.i AS id, p.day, CAST(p.day AS TIMESTAMP) + INTERVAL '20' HOUR AS created_at, p.amount,
            'EUR' AS currency, p.day + 2 AS arrival_day, 'paid' AS status
        FROM payouts AS p WHERE p.day BETWEEN '{first_day}' AND '{last_day}'""",
    "disputes": """
        SELECT t.i, 'dp_' || t.order_id AS id, t.day, t.created_at, t.amount, 'EUR' AS currency, 'lost' AS status,
            'fraudulent' AS reason, t.charge_id, t.order_id AS order_reference
        FROM totals AS t WHERE t.i % 4000 = 0 AND t.day BETWEEN '{first_day}' AND '{last_day}'""",
    "traffic": f"""
        SELECT g.i, g.day, g.channel, g.device, p.country, CAST(20 + 100 * u(g.i, 20) AS BIGINT) AS sessions,
            CAST(12 + 50 * u(g.i, 20) AS BIGINT) AS engaged_sessions,
            CAST(900 + 5000 * u(g.i, 20) AS BIGINT) AS engaged_seconds, FALSE AS is_sampled, CAST(1 AS DECIMAL(18, 6)) AS read_share
        FROM {_SEGMENTS} AS g JOIN countries AS p ON p.c = g.c""",
    "events": f"""
        SELECT g.i, g.day, g.channel, g.device, p.country, e.event,
            CAST(e.share * (20 + 100 * u(g.i, 20)) AS BIGINT) AS sessions, FALSE AS is_sampled, CAST(1 AS DECIMAL(18, 6)) AS read_share
        FROM {_SEGMENTS} AS g JOIN countries AS p ON p.c = g.c
        CROSS JOIN (VALUES ('add_to_cart', 0.1), ('begin_checkout', 0.06), ('purchase', 0.03)) AS e(event, share)""",
    "campaign_performance": """
        SELECT k AS i, CAST(day AS DATE) AS day, CAST(100 + k AS VARCHAR) AS campaign_id, 'Campaign ' || k AS campaign,
            CASE WHEN k < 3 THEN 'SEARCH' WHEN k < 5 THEN 'SHOPPING' ELSE 'PERFORMANCE_MAX' END AS channel_type,
            'EUR' AS currency, CAST(80 + 40 * k AS DECIMAL(18, 6)) AS cost, 200 + 10 * k AS clicks,
            9000 + 100 * k AS impressions, CAST(8 AS DECIMAL(18, 6)) AS conversions,
            CAST(400 + 90 * k AS DECIMAL(18, 6)) AS conversion_value, 3000 AS top_impressions,
            1000 AS absolute_top_impressions
        FROM GENERATE_SERIES(DATE '{first_day}', DATE '{last_day}', INTERVAL 1 DAY) AS t(day), RANGE(6) AS r(k)""",
    "transactions": """
        SELECT i, id, 'main' AS bank_account_id, 'completed' AS status, 'transfer' AS operation_type, category,
            processor, amount, 'EUR' AS currency, booked_at AS settled_at, booked_at AS emitted_at,
            booked_at AS updated_at
        FROM (
            SELECT p.i, 'in-' || p.i AS id, 'sales' AS category, 'stripe' AS processor, p.amount,
                CAST(p.day + 2 AS TIMESTAMP) + INTERVAL '8' HOUR AS booked_at
            FROM payouts AS p
            UNION ALL
            SELECT p.i, 'out-' || k || '-' || p.i, 'supplies' , NULL, -CAST(p.amount * 0.24 AS DECIMAL(18, 2)),
                CAST(p.day AS TIMESTAMP) + INTERVAL '11' HOUR
            FROM payouts AS p, RANGE(4) AS r(k)
        ) WHERE booked_at >= '{start}' AND booked_at < '{end}'""",
    "balances": """
        SELECT 1 AS i, 'main' AS account_id, 'Main account' AS account, 'EUR' AS currency,
            CAST(250000 AS DECIMAL(18, 6)) AS balance, TIMESTAMP '{end}' AS observed_at, DATE '{last_day}' AS snapshot_day""",
    "rates": """
        SELECT 1 AS i, CAST(day AS DATE) AS day, currency, CAST(rate AS DECIMAL(18, 6)) AS rate
        FROM GENERATE_SERIES(DATE '{first_day}', DATE '{last_day}', INTERVAL 1 DAY) AS t(day),
            (VALUES ('GBP', 0.86), ('CHF', 0.95), ('USD', 1.08), ('SEK', 11.2)) AS r(currency, rate)
        WHERE ISODOW(day) < 6""",
}
CHILDREN = {
    "sale_lines": f"""
        SELECT * EXCLUDE (c), {_CURRENCY.replace("f.c", "c")} AS currency FROM (
            SELECT l.i, 's-' || l.id AS id, 'ag-' || l.i AS agreement_id, l.created_at AS happened_at, 'sale' AS action,
                'product' AS line_type, l.id AS line_item_id, 'v' || l.product AS variant_id,
                'Product ' || l.product AS title, CAST(l.quantity AS BIGINT) AS quantity, l.c,
                CAST((l.gross - l.discount) * 1.2 AS DECIMAL(18, 6)) AS total_amount,
                CAST((l.gross - l.discount) * 0.2 AS DECIMAL(18, 6)) AS total_tax,
                CAST(l.discount AS DECIMAL(18, 6)) AS discount_before_taxes
            FROM lines AS l
            UNION ALL
            SELECT f.i, 'h-' || f.id, 'ag-' || f.i, f.created_at, 'sale', 'shipping', NULL, NULL, 'Shipping', 1, f.c,
                4.90, 0.82, 0
            FROM facts AS f WHERE f.pays_shipping
            UNION ALL
            SELECT l.i, 'r-' || l.id, 'rf-' || l.i, l.refunded_at, 'refund', 'product', l.id, 'v' || l.product,
                'Product ' || l.product, -l.quantity, l.c, -(l.gross - l.discount) * 1.2, -(l.gross - l.discount) * 0.2,
                -l.discount
            FROM lines AS l WHERE l.k = 0 AND l.refunded_at < '{{end}}'
        )""",
    "restocks": """
        SELECT l.i, 'x-' || l.id AS id, 'rf-' || l.i AS refund_id, l.refunded_at AS happened_at, l.id AS line_item_id,
            'v' || l.product AS variant_id, CAST(l.quantity AS BIGINT) AS quantity, 'RETURN' AS restock_type
        FROM lines AS l WHERE l.k = 0 AND l.refunded_at < '{end}'""",
    "fulfillments": """
        SELECT f.i, 'p-' || f.id AS id, 'SUCCESS' AS status, f.shipped_at AS created_at,
            CASE WHEN f.delivered_at < '{end}' THEN f.delivered_at END AS delivered_at
        FROM facts AS f WHERE f.shipped_at < '{end}' AND NOT f.is_cancelled""",
}
