"""What runs out before it can be restocked, what sleeps, and the cash in both."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Cell, Column, Part

SLEEPING_DAYS = 90
MOST_OUT, MOST_ASLEEP = 6, 4
_SHELVES = f"""
WITH read AS (
    SELECT MAX(s.day) AS day FROM model.stock_days AS s WHERE s.day <= ?
), sold AS (
    SELECT p.shop AS shop, p.product_id AS product_id,
        SUM(CASE WHEN p.day > r.day - 28 THEN p.units ELSE 0 END) AS month,
        MAX(CASE WHEN p.units > 0 THEN p.day END) AS last_sold
    FROM model.product_sales AS p, read AS r
    WHERE p.day <= r.day
    GROUP BY p.shop, p.product_id
), priced AS (
    SELECT l.shop AS shop, l.product_id AS product_id, SUM(l.gross - l.discounts) AS sales
    FROM model.sale_lines AS l, read AS r
    WHERE l.day <= r.day AND l.day > r.day - 28
    GROUP BY l.shop, l.product_id
)
SELECT
    s.product AS product, s.shop AS shop, s.in_hand AS in_hand, s.is_active AS is_active,
    CASE WHEN r.day - 27 >= g.history_start THEN COALESCE(d.month, 0) END AS month,
    p.sales AS sales,
    CASE WHEN c.unit_cost IS NULL THEN NULL ELSE s.worth END AS worth,
    r.day - {SLEEPING_DAYS} >= g.history_start
        AND COALESCE(d.last_sold, g.history_start) <= r.day - {SLEEPING_DAYS} AS is_asleep,
    t.restocking_days AS restocking_days
FROM read AS r
JOIN model.stock_days AS s ON s.day = r.day
CROSS JOIN config.shop AS g
CROSS JOIN config.stock AS t
LEFT JOIN model.product_costs AS c
    ON c.shop = s.shop AND c.product_id = s.product_id AND s.day >= c.day AND s.day < c.valid_until
LEFT JOIN sold AS d ON d.shop = s.shop AND d.product_id = s.product_id
LEFT JOIN priced AS p ON p.shop = s.shop AND p.product_id = s.product_id
ORDER BY s.product, s.shop, s.product_id
"""


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Articles as of the last day their stock was read.

    Running out: on sale, and in stock for fewer days than restocking takes, at the pace of the last 28 days; at stake
    are the sales of the days without it. Asleep: in stock and not sold for `SLEEPING_DAYS`; at stake is what it cost,
    None where the cost is not known. Neither is told of a history too short for it.
    """
    shelves = connection.execute(_SHELVES, [last_day]).fetchall()
    if not shelves:
        return None
    out, asleep = [], []
    for product, shop, in_hand, is_active, month, sales, worth, is_asleep, restocking_days in shelves:
        if is_asleep and in_hand > 0:
            asleep.append(("asleep", product, shop, Decimal(in_hand), Decimal(month or 0), None, worth))
        elif is_active and month and month > 0:
            cover = Decimal(in_hand) * 28 / month
            if cover < restocking_days:
                lost = max(sales or Decimal(0), Decimal(0)) / 28 * (restocking_days - cover)
                out.append(("out", product, shop, Decimal(in_hand), Decimal(month), cover, lost))
    out.sort(key=lambda row: (-row[6], row[1], row[2]))
    asleep.sort(key=lambda row: (-(row[6] or 0), row[1], row[2]))
    rows: list[tuple[Cell, ...]] = [*out[:MOST_OUT], *asleep[:MOST_ASLEEP]]
    return Answer(
        question="stock",
        sentence="told" if rows else "calm",
        parts={
            "out": Part("count", Decimal(len(out))),
            "lost": Part("money", sum((row[6] for row in out), Decimal(0))),
            "asleep": Part("count", Decimal(len(asleep))),
            "cash": Part("money", sum((row[6] or Decimal(0) for row in asleep), Decimal(0))),
            "worth": Part("money", sum((row[6] or Decimal(0) for row in shelves), Decimal(0))),
            "days": Part("days", Decimal(shelves[0][8])),
        },
        columns=(
            Column("state", "label"),
            Column("product", "text", "product"),
            Column("shop", "text"),
            Column("in_hand", "count"),
            Column("month", "count"),
            Column("cover", "days"),
            Column("stake", "money"),
        ),
        rows=tuple(rows),
        others=len(out) + len(asleep) - len(rows),
        notes=("cost_unknown",) if any(row[6] is None for row in shelves) else (),
    )
