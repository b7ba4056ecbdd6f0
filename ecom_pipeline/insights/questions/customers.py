"""Customers by recency, frequency and value: who carries the shop, and who is worth winning back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Cell, Column, Part

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
        SUM(CASE WHEN l.is_known OR l.kind = 'shipping'
            THEN l.gross - l.discounts - l.returns + l.shipping_income - l.cost END) AS margin,
        SUM(CASE WHEN l.is_known THEN l.gross END) AS known_gross, SUM(l.gross) AS gross
    FROM model.sale_lines AS l
    WHERE l.customer IS NOT NULL AND l.day <= $last_day
    GROUP BY l.customer
), people AS (
    SELECT o.customer AS customer, $last_day - MAX(o.day) AS recency, COUNT(*) AS orders,
        COALESCE(MAX(s.net), 0) AS net, COALESCE(MAX(s.margin), 0) AS margin,
        COALESCE(MAX(s.known_gross), 0) AS known_gross, COALESCE(MAX(s.gross), 0) AS gross
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
    SUM(p.known_gross) AS known_gross, SUM(p.gross) AS gross, MAX(p.window_days) AS window_days, MAX(p.gaps) AS gaps
FROM placed AS p
GROUP BY p.segment
"""
_ORDER = ("best", "loyal", "new", "at_risk", "cooling", "lost", "once")


@dataclass(frozen=True)
class _Segment:
    """A segment's people, orders and money over their whole history; margin is of what has a known cost."""

    customers: int
    orders: int
    net: Decimal
    margin: Decimal
    known_gross: Decimal
    gross: Decimal

    def order_margin(self, least: Decimal) -> Decimal | None:
        """What an order left; None where less than the least share of sales has a known cost."""
        return None if self.known_gross < least * self.gross else self.margin / self.orders


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Customers by segment, of all shops together, never one by one; sales and margins are of their whole history.

    Margin is what sales left after returns, goods and shipping income, in the reporting currency; what an order
    brings is the segment's mean. Articles of unknown cost are not in it, and where they are too many (the shop's
    minimum coverage) there is none. None before the shop's rhythm can be told.
    """
    rows = connection.execute(_SEGMENTS, {"last_day": last_day}).fetchall()
    if not rows:
        return None
    window_days, gaps = rows[0][7:]
    if window_days is None or (gaps or 0) < LEAST_GAPS:
        return None
    ((least,),) = connection.execute("SELECT minimum_coverage FROM config.coverage").fetchall()
    found = {row[0]: _Segment(*row[1:7]) for row in rows}
    people = sum(one.customers for one in found.values())
    sales = sum((one.net for one in found.values()), Decimal(0))
    best, late = found.get("best"), found.get("at_risk")
    margin = late.order_margin(least) if late is not None else None
    return Answer(
        question="customers",
        sentence="calm" if late is None else "late" if margin is not None else "late_uncosted",
        parts={
            "late": Part("count", Decimal(late.customers if late else 0)),
            "window": Part("days", Decimal(window_days)),
            "worth": Part(
                "money", _cents(late.customers * WON_BACK * margin) if late and margin is not None else None
            ),
            "best": Part("percent", Decimal(best.customers) / people if best else Decimal(0)),
            "of_sales": Part("percent", best.net / sales if best and sales else Decimal(0)),
            "known": Part("percent", _coverage(found)),
            "least": Part("percent", least),
        },
        columns=(
            Column("segment", "label"),
            Column("customers", "count"),
            Column("share", "percent"),
            Column("of_sales", "percent"),
            Column("each", "money"),
            Column("order", "money"),
        ),
        rows=tuple(
            _row(segment, found[segment], people, sales, least) for segment in _ORDER if segment in found
        ),
        notes=_notes(found, least),
    )


def _row(segment: str, one: _Segment, people: int, sales: Decimal, least: Decimal) -> tuple[Cell, ...]:
    margin = one.order_margin(least)
    return (
        segment,
        Decimal(one.customers),
        Decimal(one.customers) / people,
        one.net / sales if sales else None,
        _cents(one.net / one.customers),
        _cents(margin) if margin is not None else None,
    )


def _coverage(found: Mapping[str, _Segment]) -> Decimal | None:
    """The share of all customers' sales, before discounts, whose cost is known."""
    gross = sum((one.gross for one in found.values()), Decimal(0))
    known = sum((one.known_gross for one in found.values()), Decimal(0))
    return known / gross if gross else None


def _notes(found: Mapping[str, _Segment], least: Decimal) -> tuple[str, ...]:
    is_withheld = any(one.order_margin(least) is None for one in found.values())
    is_partly = any(one.known_gross < one.gross for one in found.values())
    return ("cost_partly", "margin_withheld") if is_withheld else ("cost_partly",) if is_partly else ()


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
