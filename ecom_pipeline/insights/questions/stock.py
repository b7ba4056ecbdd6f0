"""What runs out before it can be restocked, what sleeps, and the cash in both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Cell, Column, Part

SLEEPING_DAYS = 90
PACE_DAYS = 28
UNREAD_DAYS = 7  # a shelf nobody looked at for so long tells nothing of today
MOST_OUT, MOST_ASLEEP = 6, 4
_SHELVES = f"""
WITH newest AS (
    SELECT s.shop AS shop, MAX(s.day) AS day
    FROM model.stock_days AS s
    WHERE s.day <= $last
    GROUP BY s.shop
), shops AS (
    SELECT n.shop AS shop, n.day AS day, COUNT(DISTINCT s.day) AS readings,
        COUNT(DISTINCT CASE WHEN s.day > n.day - {PACE_DAYS} THEN s.day END) AS month_readings
    FROM newest AS n
    JOIN model.stock_days AS s ON s.shop = n.shop AND s.day <= n.day AND s.day > n.day - {SLEEPING_DAYS}
    WHERE n.day > $last - {UNREAD_DAYS}
    GROUP BY n.shop, n.day
), held AS (
    SELECT s.shop AS shop, s.product_id AS product_id,
        COUNT(CASE WHEN s.in_hand > 0 THEN 1 END) AS there,
        COUNT(CASE WHEN s.day > r.day - {PACE_DAYS} AND (s.in_hand > 0 OR p.units > 0) THEN 1 END) AS month_there
    FROM shops AS r
    JOIN model.stock_days AS s ON s.shop = r.shop AND s.day <= r.day AND s.day > r.day - {SLEEPING_DAYS}
    LEFT JOIN model.product_sales AS p ON p.shop = s.shop AND p.product_id = s.product_id AND p.day = s.day
    GROUP BY s.shop, s.product_id
), sold AS (
    SELECT p.shop AS shop, p.product_id AS product_id,
        SUM(CASE WHEN p.day > r.day - {PACE_DAYS} THEN p.units ELSE 0 END) AS month,
        MAX(CASE WHEN p.units > 0 THEN p.day END) AS last_sold
    FROM model.product_sales AS p
    JOIN shops AS r ON r.shop = p.shop AND p.day <= r.day
    GROUP BY p.shop, p.product_id
), priced AS (
    SELECT l.shop AS shop, l.product_id AS product_id, SUM(l.gross - l.discounts) AS sales
    FROM model.sale_lines AS l
    JOIN shops AS r ON r.shop = l.shop AND l.day <= r.day AND l.day > r.day - {PACE_DAYS}
    GROUP BY l.shop, l.product_id
)
SELECT
    s.product AS product, s.shop AS shop, s.in_hand AS in_hand, s.is_active AS is_active,
    CASE WHEN r.day - {PACE_DAYS - 1} >= g.history_start THEN COALESCE(d.month, 0) END AS month,
    {PACE_DAYS} - r.month_readings + h.month_there AS days_there,
    COALESCE(p.sales, 0) AS sales,
    CASE WHEN c.unit_cost IS NULL THEN NULL ELSE s.worth END AS worth,
    r.day - {SLEEPING_DAYS} >= g.history_start AND h.there = r.readings AND r.readings * 10 >= {SLEEPING_DAYS} * 9
        AND COALESCE(d.last_sold, g.history_start) <= r.day - {SLEEPING_DAYS} AS is_asleep
FROM shops AS r
JOIN model.stock_days AS s ON s.shop = r.shop AND s.day = r.day
JOIN held AS h ON h.shop = s.shop AND h.product_id = s.product_id
CROSS JOIN config.shop AS g
LEFT JOIN model.product_costs AS c
    ON c.shop = s.shop AND c.product_id = s.product_id AND s.day >= c.day AND s.day < c.valid_until
LEFT JOIN sold AS d ON d.shop = s.shop AND d.product_id = s.product_id
LEFT JOIN priced AS p ON p.shop = s.shop AND p.product_id = s.product_id
ORDER BY s.product, s.shop, s.product_id
"""
_READINGS = f"""
WITH newest AS (
    SELECT s.shop AS shop, MAX(s.day) AS day
    FROM model.stock_days AS s
    WHERE s.day <= $last
    GROUP BY s.shop
)
SELECT s.shop AS shop, MAX(n.day) > $last - {UNREAD_DAYS} AS is_read,
    COUNT(DISTINCT CASE WHEN s.day > n.day - {PACE_DAYS} THEN s.day END) * 10 < {PACE_DAYS} * 9 AS is_pace_young,
    COUNT(DISTINCT CASE WHEN s.day > n.day - {SLEEPING_DAYS} THEN s.day END) * 10 < {SLEEPING_DAYS} * 9 AS is_sleep_young
FROM newest AS n
JOIN model.stock_days AS s ON s.shop = n.shop AND s.day <= n.day
GROUP BY s.shop
ORDER BY s.shop
"""


@dataclass(frozen=True)
class _Cash:
    """What the articles whose cost is known cost; `unknown` counts those whose cost is not."""

    amount: Decimal | None
    unknown: int


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Articles as of the newest day each shop's stock was read, where that is less than a week ago.

    Running out: on sale, and in stock for fewer days than restocking takes, at the pace of the last 28 days in which
    it was in stock (days nobody looked are taken for such); at stake are the sales of the days without it. Asleep:
    seen in stock on every day its shop was read in `SLEEPING_DAYS`, nine tenths of them at least, and not sold; at
    stake is what it cost, None where the cost is not known. Neither is told of a history too short for it.
    """
    asked = {"last": last_day}
    readings = connection.execute(_READINGS, asked).fetchall()
    if not readings:
        return None
    ((restocking_days,),) = connection.execute("SELECT restocking_days FROM config.stock").fetchall()
    shelves = connection.execute(_SHELVES, asked).fetchall()
    out, asleep = _sort_out(shelves, restocking_days)
    stock = _cash((row[2], row[7]) for row in shelves)
    sleeping = _cash((row[3], row[6]) for row in asleep)
    rows: list[tuple[Cell, ...]] = [*out[:MOST_OUT], *asleep[:MOST_ASLEEP]]
    unread = [shop for shop, is_read, *_ in readings if not is_read]
    return Answer(
        question="stock",
        sentence=_sentence(bool(rows), stock, sleeping) if shelves else "unread",
        parts={
            "out": Part("count", Decimal(len(out))),
            "lost": Part("money", sum((row[6] for row in out), Decimal(0))),
            "asleep": Part("count", Decimal(len(asleep))),
            "cash": Part("money", sleeping.amount),
            "worth": Part("money", stock.amount),
            "uncosted": Part("count", Decimal(stock.unknown)),
            "days": Part("days", Decimal(restocking_days)),
            "unread": Part("text", ", ".join(unread)),
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
        notes=_notes(readings, unread),
    )


def _sort_out(
    shelves: list[Any], restocking_days: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of what runs out and of what sleeps, the most at stake first."""
    out, asleep = [], []
    for product, shop, in_hand, is_active, month, days_there, sales, worth, is_asleep in shelves:
        if is_asleep and in_hand > 0:
            asleep.append(("asleep", product, shop, Decimal(in_hand), Decimal(month or 0), None, worth))
        elif is_active and month and month > 0:
            cover = Decimal(in_hand) * days_there / month
            if cover < restocking_days:
                lost = max(sales, Decimal(0)) / days_there * (restocking_days - cover)
                out.append(("out", product, shop, Decimal(in_hand), Decimal(month), cover, lost))
    out.sort(key=lambda row: (-row[6], row[1], row[2]))
    asleep.sort(key=lambda row: (row[6] is None, -(row[6] or 0), row[1], row[2]))
    return out, asleep


def _cash(held: Iterable[tuple[Decimal, Decimal | None]]) -> _Cash:
    """The worth of what is in hand: nothing lies where nothing is, but what is not known is not nothing."""
    worths = [worth for in_hand, worth in held if in_hand > 0]
    known = [worth for worth in worths if worth is not None]
    return _Cash(sum(known, Decimal(0)) if known or not worths else None, len(worths) - len(known))


def _sentence(is_told: bool, stock: _Cash, sleeping: _Cash) -> str:
    """Which words say no more than is known of the costs."""
    known = (
        ""
        if not stock.unknown
        else "_uncosted"
        if stock.amount is None
        else "_cash_unknown"
        if sleeping.amount is None
        else "_partly"
    )
    return ("told" if is_told else "calm") + known


def _notes(readings: list[Any], unread: list[str]) -> tuple[str, ...]:
    read = [row for row in readings if row[1]]
    found = {
        "unread": bool(unread) and bool(read),
        "pace": any(row[2] for row in read),
        "sleep": any(row[3] for row in read),
    }
    return tuple(note for note, holds in found.items() if holds)
