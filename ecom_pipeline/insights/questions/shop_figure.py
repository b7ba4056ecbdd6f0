"""From the figure each shop's platform shows to ours: which step takes how much."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Column, Part

DAYS = 28
_SUMS = """
SELECT p.shop AS shop,
    SUM(CASE WHEN p.platform_day BETWEEN $first AND $last THEN p.net + p.tax ELSE 0 END) AS platform,
    SUM(CASE WHEN p.day BETWEEN $first AND $last THEN p.net + p.tax ELSE 0 END)
        - SUM(CASE WHEN p.platform_day BETWEEN $first AND $last THEN p.net + p.tax ELSE 0 END) AS days,
    -SUM(CASE WHEN p.day BETWEEN $first AND $last THEN p.tax ELSE 0 END) AS tax,
    -SUM(CASE WHEN p.day BETWEEN $first AND $last AND p.kind = 'shipping' THEN p.net ELSE 0 END) AS shipping,
    -SUM(CASE WHEN p.day BETWEEN $first AND $last AND p.kind NOT IN ('product', 'adjustment', 'shipping')
        THEN p.net ELSE 0 END) AS other,
    SUM(CASE WHEN p.day BETWEEN $first AND $last AND p.kind IN ('product', 'adjustment') THEN p.net ELSE 0 END) AS ours
FROM model.platform_sales AS p
WHERE p.day BETWEEN $first - 1 AND $last + 1
GROUP BY p.shop
ORDER BY p.shop
"""
STEPS = ("days", "tax", "shipping", "other")


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """A line for each shop over the last four weeks: the platform's total sales, what each step adds, our net sales.

    All in the reporting currency; the steps add up exactly. The days step is what falls on other days in the platform's
    time zone, where `platform_time_zones` names one.
    """
    first = last_day - timedelta(days=DAYS - 1)
    rows = [
        row
        for row in connection.execute(_SUMS, {"first": first, "last": last_day}).fetchall()
        if any(row[1:])
    ]
    if not rows:
        return None
    for row in rows:
        assert sum(row[1:6], Decimal(0)) == row[6], f"the bridge of {row[0]} does not add up"
    shop = max(rows, key=lambda row: (row[6], row[0]))
    largest = max(range(len(STEPS)), key=lambda place: abs(shop[2 + place]))
    return Answer(
        question="shop_figure",
        sentence="bridge",
        parts={
            "shop": Part("text", shop[0]),
            "platform": Part("money", shop[1]),
            "ours": Part("money", shop[6]),
            "step": Part("label", STEPS[largest]),
            "amount": Part("money", shop[2 + largest]),
        },
        columns=(
            Column("shop", "text"),
            Column("platform", "money"),
            *(Column(step, "money") for step in STEPS),
            Column("ours", "money"),
        ),
        rows=tuple(rows),
    )
