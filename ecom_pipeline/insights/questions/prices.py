"""Where the price paid or the cost of an article moved, and what that did to its margin."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Cell, Column, Part, unmeasured_days

SPAN = timedelta(days=28)
LEAST_UNITS = 10  # sold in each of the two spans
LEAST_MOVE = Decimal("0.02")
MOST_ROWS = 8

_ARTICLES = """
SELECT l.shop AS shop, l.product_id AS product_id, MAX(l.product) AS product,
    SUM(CASE WHEN l.day <= $middle THEN l.units ELSE 0 END) AS units_before,
    SUM(CASE WHEN l.day <= $middle THEN l.gross - l.discounts ELSE 0 END) AS sales_before,
    SUM(CASE WHEN l.day <= $middle THEN l.cost ELSE 0 END) AS cost_before,
    SUM(CASE WHEN l.day > $middle THEN l.units ELSE 0 END) AS units,
    SUM(CASE WHEN l.day > $middle THEN l.gross - l.discounts ELSE 0 END) AS sales,
    SUM(CASE WHEN l.day > $middle THEN l.cost ELSE 0 END) AS cost,
    SUM(CASE WHEN l.is_known THEN 0 ELSE 1 END) = 0 AS is_known
FROM model.sale_lines AS l
WHERE l.kind = 'product' AND l.units > 0 AND l.gross IS NOT NULL AND l.day > $first AND l.day <= $last
GROUP BY l.shop, l.product_id
"""


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Articles whose mean price or cost moved by 2 % between the last four weeks and the four before, losses first.

    Prices are after discounts and without VAT, costs those of the articles sold, both in the reporting currency. The
    effect is money a week at the volume of the last four weeks, the price's and the cost's apart; they add up to it
    exactly. Articles sold fewer than ten times in either span are left out, and so are, counted in a note, those of
    unknown cost. None in the first eight weeks.
    """
    ((start,),) = connection.execute("SELECT MIN(history_start) FROM config.shop").fetchall()
    middle, first = last_day - SPAN, last_day - 2 * SPAN
    if first + timedelta(days=1) < start:
        return None
    asked = {"first": first, "middle": middle, "last": last_day}
    articles = [row for row in connection.execute(_ARTICLES, asked).fetchall() if _is_sold_enough(row)]
    moved = [row for row in (_row(article) for article in articles if article[-1]) if row is not None]
    uncosted = sum(not article[-1] for article in articles)
    unread = len(unmeasured_days(connection, "net_sales", first + timedelta(days=1), last_day))
    moved.sort(key=lambda row: (row[-1], row[0], row[1]))
    lost = sum((row[-1] for row in moved if row[-1] < 0), Decimal(0))
    won = sum((row[-1] for row in moved if row[-1] > 0), Decimal(0))
    parts = {
        "lost": Part("money", -lost),
        "won": Part("money", won),
        "uncosted": Part("count", Decimal(uncosted)),
        "unread": Part("count", Decimal(unread)),
    }
    if lost:
        parts |= {"product": Part("text", moved[0][0], "product"), "worst": Part("money", -moved[0][-1])}
    return Answer(
        question="prices",
        sentence="lost" if lost else "won" if won else "calm",
        parts=parts,
        columns=(
            Column("product", "text", "product"),
            Column("shop", "text"),
            Column("price_before", "money"),
            Column("price", "money"),
            Column("cost_before", "money"),
            Column("cost", "money"),
            Column("rate_before", "percent"),
            Column("rate", "percent"),
            Column("by_price", "money"),
            Column("by_cost", "money"),
            Column("effect", "money"),
        ),
        rows=tuple(moved[:MOST_ROWS]),
        others=max(0, len(moved) - MOST_ROWS),
        notes=(*(("cost_unknown",) if uncosted else ()), *(("unread",) if unread else ())),
    )


def _is_sold_enough(article: tuple[Any, ...]) -> bool:
    _, _, _, units_before, sales_before, _, units, sales, _, _ = article
    return bool(min(units_before, units) >= LEAST_UNITS and min(sales_before, sales) > 0)


def _row(article: tuple[Any, ...]) -> tuple[Any, ...] | None:
    shop, _, product, units_before, sales_before, cost_before, units, sales, cost, _ = article
    price_before, price = sales_before / units_before, sales / units
    unit_cost_before, unit_cost = cost_before / units_before, cost / units
    if max(_move(price_before, price), _move(unit_cost_before, unit_cost)) < LEAST_MOVE:
        return None
    by_price = _cents((price - price_before) * units / 4)
    by_cost = _cents((unit_cost_before - unit_cost) * units / 4)
    found: tuple[Cell, ...] = (
        product, shop, _cents(price_before), _cents(price), _cents(unit_cost_before), _cents(unit_cost),
        (price_before - unit_cost_before) / price_before, (price - unit_cost) / price,
        by_price, by_cost, by_price + by_cost,
    )  # fmt: skip
    return found


def _move(before: Decimal, now: Decimal) -> Decimal:
    """How far it moved, as a share; from nothing, by all."""
    return abs(now - before) / before if before else Decimal(bool(now))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
