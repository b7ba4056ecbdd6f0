"""Customers by recency, frequency and value: who carries the shop, and who is worth winning back."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Column, Part

LEAST_GAPS = 20  # times somebody came back, before the shop's rhythm can be told
WON_BACK = Decimal("0.1")

# The window is the shop's rhythm: four in five who came back had come back within it (as for the churn rate).
_SEGMENTS = """
WITH ours AS (
    SELECT o.customer AS customer, o.shop AS shop, o.order_id AS order_id, o.day AS day, o.day - o.previous_day AS gap
    FROM model.customer_orders AS o
    WHERE o.dimension = 'total' AND o.day <= $last_day
), ranked AS (
    SELECT o.gap AS gap, SUM(COUNT(*)) OVER (ORDER BY o.gap) AS up_to, SUM(COUNT(*)) OVER () AS gaps
    FROM ours AS o
    WHERE o.gap IS NOT NULL
    GROUP BY o.gap
), rhythm AS (
    SELECT COALESCE(MIN(s.churn_window_days), GREATEST(MIN(CASE WHEN r.up_to * 5 >= r.gaps * 4 THEN r.gap END), 1))
            AS window_days,
        MAX(r.gaps) AS gaps
    FROM config.shop AS s
    LEFT JOIN ranked AS r ON TRUE
), spent AS (
    SELECT l.customer AS customer, SUM(l.gross - l.discounts - l.returns) AS net,
        SUM(l.gross - l.discounts - l.returns + l.shipping_income - l.cost) AS margin,
        SUM(CASE WHEN l.is_known OR l.kind = 'shipping' THEN 0 ELSE 1 END) AS uncosted
    FROM model.sale_lines AS l
    WHERE l.customer IS NOT NULL AND l.day <= $last_day
    GROUP BY l.customer
), people AS (
    SELECT o.customer AS customer, $last_day - MAX(o.day) AS recency, COUNT(*) AS orders,
        COALESCE(MAX(s.net), 0) AS net, COALESCE(MAX(s.margin), 0) AS margin,
        COALESCE(MAX(s.uncosted), 0) AS uncosted
    FROM ours AS o
    LEFT JOIN spent AS s ON s.customer = o.customer
    GROUP BY o.customer
), placed AS (
    SELECT p.*, r.window_days AS window_days, r.gaps AS gaps,
        CASE
            WHEN p.recency > 2 * r.window_days THEN CASE WHEN p.orders > 1 THEN 'lost' ELSE 'once' END
            WHEN p.recency > r.window_days THEN CASE WHEN p.orders > 1 THEN 'at_risk' ELSE 'cooling' END
            WHEN p.orders = 1 THEN 'new'
            WHEN PERCENT_RANK() OVER (ORDER BY p.net) >= 0.8 THEN 'best'
            ELSE 'loyal'
        END AS segment
    FROM people AS p
    CROSS JOIN rhythm AS r
)
SELECT p.segment AS segment, COUNT(*) AS customers, SUM(p.orders) AS orders, SUM(p.net) AS net, SUM(p.margin) AS margin,
    MAX(p.window_days) AS window_days, MAX(p.gaps) AS gaps, SUM(p.uncosted) AS uncosted
FROM placed AS p
GROUP BY p.segment
"""
_ORDER = ("best", "loyal", "new", "at_risk", "cooling", "lost", "once")


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Customers by segment, of all shops together, never one by one; sales and margins are of their whole history.

    Margin is what sales left after returns, goods and shipping income, in the reporting currency; what an order
    brings is the segment's mean. None before the shop's rhythm can be told.
    """
    found = {row[0]: row[1:] for row in connection.execute(_SEGMENTS, {"last_day": last_day}).fetchall()}
    if not found:
        return None
    window_days, gaps = next((row[4], row[5]) for row in found.values())
    if window_days is None or (gaps or 0) < LEAST_GAPS:
        return None
    people = sum(row[0] for row in found.values())
    sales = sum(row[2] for row in found.values())
    rows = []
    for segment in _ORDER:
        if segment in found:
            customers, orders, net, margin = found[segment][:4]
            share = Decimal(customers) / people
            of_sales = net / sales if sales else None
            rows.append(
                (
                    segment,
                    Decimal(customers),
                    share,
                    of_sales,
                    _cents(net / customers),
                    _cents(margin / orders),
                )
            )
    late, orders, _, margin = found.get("at_risk", (0, 1, Decimal(0), Decimal(0)))[:4]
    return Answer(
        question="customers",
        sentence="late" if late else "calm",
        parts={
            "late": Part("count", Decimal(late)),
            "window": Part("days", Decimal(window_days)),
            "worth": Part("money", _cents(late * WON_BACK * margin / orders)),
            "best": Part("percent", Decimal(found["best"][0]) / people if "best" in found else Decimal(0)),
            "of_sales": Part(
                "percent", found["best"][2] / sales if "best" in found and sales else Decimal(0)
            ),
        },
        columns=(
            Column("segment", "label"),
            Column("customers", "count"),
            Column("share", "percent"),
            Column("of_sales", "percent"),
            Column("each", "money"),
            Column("order", "money"),
        ),
        rows=tuple(rows),
        notes=("cost_unknown",) if any(row[6] for row in found.values()) else (),
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
