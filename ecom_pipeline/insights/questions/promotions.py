"""What discount codes and sales earned after their discounts, against the days around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Column, Part

YEAR = timedelta(days=364)
QUIET = timedelta(days=28)  # a code unused for so long begins anew
LONGEST_SALE = 42  # days: what runs longer, or is used on fewer than half of its days, is always there
WEEKS_AROUND = 4
LEAST_AROUND = 4
MOST_ROWS = 8

_ORDERS = """
SELECT UPPER(TRIM(o.discount_code)) AS code, o.day AS day, COUNT(DISTINCT o.shop || ' ' || o.order_id) AS orders,
    SUM(l.discounts) AS discounts, SUM(l.gross - l.discounts - l.returns) AS sales,
    SUM(l.gross - l.discounts - l.returns + l.shipping_income - l.cost) AS margin
FROM model.orders AS o
JOIN model.sale_lines AS l ON l.shop = o.shop AND l.order_id = o.order_id AND l.order_day = o.day AND l.day <= $last
WHERE o.discount_code IS NOT NULL AND TRIM(o.discount_code) <> '' AND o.day BETWEEN $first AND $last
GROUP BY UPPER(TRIM(o.discount_code)), o.day
ORDER BY code, o.day
"""
_MARGINS = """
SELECT l.order_day AS day, SUM(l.gross - l.discounts - l.returns + l.shipping_income - l.cost) AS margin
FROM model.sale_lines AS l
WHERE l.order_day <= $last AND l.day <= $last
GROUP BY l.order_day
"""


@dataclass(frozen=True)
class Promotion:
    """A code over a span of days; margin is what its orders left after discounts, returns and goods."""

    code: str
    first_day: date
    last_day: date
    days_used: int
    orders: Decimal
    discounts: Decimal
    sales: Decimal
    margin: Decimal

    @property
    def is_sale(self) -> bool:
        """Whether it began and ended, so that days without it stand beside it."""
        days = (self.last_day - self.first_day).days + 1
        return days <= LONGEST_SALE and self.days_used * 2 >= days


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Codes used in the last year, those that gave most away first; None when there was none.

    Of a sale: how much margin all orders of its days left beyond the median of the same weekdays of the four weeks
    before and after. A sale that still runs is not judged yet.
    """
    ((start,),) = connection.execute("SELECT MIN(history_start) FROM config.shop").fetchall()
    asked = {"first": last_day - YEAR, "last": last_day}
    found = list(_promotions(connection.execute(_ORDERS, asked).fetchall()))
    if not found:
        return None
    margins = dict(connection.execute(_MARGINS, {"last": last_day}).fetchall())
    judged = [(one, _lift(one, margins, start, last_day)) for one in found]
    judged.sort(key=lambda pair: (-pair[0].discounts, pair[0].code, pair[0].first_day))
    sales = [(one, lift) for one, lift in judged if lift is not None]
    newest = max(sales, key=lambda pair: (pair[0].last_day, pair[0].discounts), default=None)
    parts = {
        "given": Part("money", sum((one.discounts for one in found), Decimal(0))),
        "sold": Part("money", sum((one.sales for one in found), Decimal(0))),
    }
    if newest is not None:
        one, lift = newest
        parts |= {
            "code": Part("text", one.code),
            "first": Part("day", one.first_day),
            "last": Part("day", one.last_day),
            "lift": Part("money", abs(lift)),
            "discount": Part("money", one.discounts),
        }
    return Answer(
        question="promotions",
        sentence="always" if newest is None else "earned" if newest[1] >= 0 else "cost",
        parts=parts,
        columns=(
            Column("code", "text"),
            Column("first", "day"),
            Column("last", "day"),
            Column("orders", "count"),
            Column("discounts", "money"),
            Column("sales", "money"),
            Column("margin", "money"),
            Column("lift", "money"),
        ),
        rows=tuple(
            (one.code, one.first_day, one.last_day, one.orders, one.discounts, one.sales, one.margin, lift)
            for one, lift in judged[:MOST_ROWS]
        ),
        others=max(0, len(judged) - MOST_ROWS),
    )


def _promotions(rows: list[tuple[Any, ...]]) -> Iterator[Promotion]:
    """Each code's spans of use, from its days in order."""
    spans: list[list[tuple[Any, ...]]] = []
    for row in rows:
        if spans and spans[-1][-1][0] == row[0] and row[1] - spans[-1][-1][1] <= QUIET:
            spans[-1].append(row)
        else:
            spans.append([row])
    for span in spans:
        orders, discounts, sales, margin = (
            sum((Decimal(row[place]) for row in span), Decimal(0)) for place in range(2, 6)
        )
        yield Promotion(span[0][0], span[0][1], span[-1][1], len(span), orders, discounts, sales, margin)


def _lift(one: Promotion, margins: Mapping[date, Decimal], start: date, last_day: date) -> Decimal | None:
    """Margin of the days of a sale beyond that of the same weekdays around it; None where that cannot be told."""
    if not one.is_sale or one.last_day + QUIET > last_day:
        return None
    lift = Decimal(0)
    day = one.first_day
    while day <= one.last_day:
        around = [
            day + timedelta(weeks=sign * weeks)
            for weeks in range(1, LONGEST_SALE // 7 + WEEKS_AROUND + 1)
            for sign in (-1, 1)
        ]
        reach = timedelta(weeks=WEEKS_AROUND)
        beside = [
            margins.get(other, Decimal(0))
            for other in around
            if max(start, one.first_day - reach) <= other <= min(last_day, one.last_day + reach)
            and not one.first_day <= other <= one.last_day
        ]
        if len(beside) < LEAST_AROUND:
            return None
        lift += margins.get(day, Decimal(0)) - median(beside)
        day += timedelta(days=1)
    return lift
