"""From the figure each shop's platform shows to ours: which step takes how much."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Column, Part

DAYS = 28
# A platform that keeps other days is told up to the day before: the last of its days reaches into one not over here.
_SUMS = f"""
WITH spans AS (
    SELECT s.shop AS shop, z.time_zone IS NOT NULL AS is_zoned,
        CASE WHEN z.time_zone IS NULL THEN $last ELSE $last - 1 END AS last
    FROM (SELECT DISTINCT p.shop AS shop FROM model.platform_sales AS p WHERE p.day <= $last) AS s
    LEFT JOIN config.platforms AS z ON z.shop = s.shop
), needed AS (
    SELECT s.shop AS shop, s.last - d.back AS day
    FROM spans AS s
    CROSS JOIN (SELECT CAST(r.back AS INTEGER) AS back FROM RANGE(-1, {DAYS + 1}) AS r(back)) AS d
    WHERE s.is_zoned OR d.back BETWEEN 0 AND {DAYS - 1}
), short AS (
    SELECT n.shop AS shop, n.day AS day
    FROM needed AS n
    JOIN ops.feeds AS f ON f.source = n.shop AND f.canonical IN ('orders', 'sale_lines')
    LEFT JOIN ops.loaded_days AS l ON l.source = f.source AND l.table_name = f.table_name AND l.day = n.day
    WHERE l.day IS NULL
    UNION
    SELECT l.shop AS shop, l.day AS day FROM model.sale_lines AS l WHERE l.gross IS NULL
), unread AS (
    SELECT n.shop AS shop, COUNT(*) AS days
    FROM needed AS n
    JOIN short AS s ON s.shop = n.shop AND s.day = n.day
    GROUP BY n.shop
), lines AS (
    SELECT p.shop AS shop, p.kind AS kind, p.net AS net, p.tax AS tax,
        p.day <= s.last AND p.day > s.last - {DAYS} AS is_ours,
        p.platform_day <= s.last AND p.platform_day > s.last - {DAYS} AS is_theirs
    FROM model.platform_sales AS p
    JOIN spans AS s ON s.shop = p.shop AND p.day <= s.last + 1 AND p.day >= s.last - {DAYS}
), sums AS (
    SELECT l.shop AS shop,
        SUM(CASE WHEN l.is_theirs THEN l.net + l.tax ELSE 0 END) AS platform,
        SUM(CASE WHEN l.is_ours THEN l.net + l.tax ELSE 0 END)
            - SUM(CASE WHEN l.is_theirs THEN l.net + l.tax ELSE 0 END) AS days,
        -SUM(CASE WHEN l.is_ours THEN l.tax ELSE 0 END) AS tax,
        -SUM(CASE WHEN l.is_ours AND l.kind = 'shipping' THEN l.net ELSE 0 END) AS shipping,
        -SUM(CASE WHEN l.is_ours AND l.kind NOT IN ('product', 'adjustment', 'shipping') THEN l.net ELSE 0 END)
            AS other,
        SUM(CASE WHEN l.is_ours AND l.kind IN ('product', 'adjustment') THEN l.net ELSE 0 END) AS ours
    FROM lines AS l
    GROUP BY l.shop
)
SELECT s.shop, s.is_zoned, COALESCE(u.days, 0), m.platform, m.days, m.tax, m.shipping, m.other, m.ours
FROM spans AS s
LEFT JOIN unread AS u ON u.shop = s.shop
LEFT JOIN sums AS m ON m.shop = s.shop
WHERE u.days > 0 OR m.platform <> 0 OR m.ours <> 0 OR m.tax <> 0 OR m.shipping <> 0 OR m.other <> 0
ORDER BY s.shop
"""
STEPS = ("days", "tax", "shipping", "other")


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """A line for each shop over four weeks: the platform's total sales, what each step adds, our net sales.

    All in the reporting currency; the steps add up exactly. The days step is what falls on other days in the platform's
    time zone, where `platform_time_zones` names one; these four weeks end a day earlier. A shop of which days were not
    read has no figures but how many those are: what they lack would look like a difference.
    """
    found = connection.execute(_SUMS, {"last": last_day}).fetchall()
    if not found:
        return None
    bridges: list[tuple[str, list[Decimal]]] = [(row[0], list(row[3:])) for row in found if row[2] == 0]
    for name, bridge in bridges:
        assert sum(bridge[:-1], Decimal(0)) == bridge[-1], f"the bridge of {name} does not add up"
    parts = {
        "unread": Part("text", ", ".join(row[0] for row in found if row[2])),
        "zoned": Part("text", ", ".join(row[0] for row in found if row[1])),
    }
    if bridges:
        shop, bridge = max(bridges, key=lambda one: (one[1][-1], one[0]))
        largest = max(range(len(STEPS)), key=lambda place: abs(bridge[1 + place]))
        parts |= {
            "shop": Part("text", shop),
            "platform": Part("money", bridge[0]),
            "ours": Part("money", bridge[-1]),
            "step": Part("label", STEPS[largest]),
            "amount": Part("money", bridge[1 + largest]),
        }
    notes = {"unread": bool(bridges) and len(bridges) < len(found), "zoned": any(row[1] for row in found)}
    return Answer(
        question="shop_figure",
        sentence="bridge" if bridges else "unread",
        parts=parts,
        columns=(
            Column("shop", "text"),
            Column("unread", "count"),
            Column("platform", "money"),
            *(Column(step, "money") for step in STEPS),
            Column("ours", "money"),
        ),
        rows=tuple(
            (shop, Decimal(unread), *(amounts if unread == 0 else [None] * len(amounts)))
            for shop, _, unread, *amounts in found
        ),
        notes=tuple(note for note, holds in notes.items() if holds),
    )
