"""What discount codes and sales earned after their discounts, against the days around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
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

# Margin is of what has a known cost; what has none is in the coverage beside it.
_MARGIN = """SUM(CASE WHEN l.is_known OR l.kind = 'shipping'
            THEN l.gross - l.discounts - l.returns + l.shipping_income - l.cost ELSE 0 END) AS margin,
        SUM(CASE WHEN l.is_known THEN l.gross ELSE 0 END) AS known_gross, SUM(l.gross) AS gross"""
_ORDERS = f"""
SELECT UPPER(TRIM(o.discount_code)) AS code, o.day AS day, COUNT(DISTINCT o.shop || ' ' || o.order_id) AS orders,
    SUM(l.discounts) AS discounts, SUM(l.gross - l.discounts - l.returns) AS sales, {_MARGIN}
FROM model.orders AS o
JOIN model.sale_lines AS l ON l.shop = o.shop AND l.order_id = o.order_id AND l.order_day = o.day AND l.day <= $last
WHERE o.discount_code IS NOT NULL AND TRIM(o.discount_code) <> '' AND o.day <= $last
GROUP BY UPPER(TRIM(o.discount_code)), o.day
ORDER BY code, o.day
"""
_DAYS = f"""
SELECT l.order_day AS day, {_MARGIN}
FROM model.sale_lines AS l
WHERE l.order_day <= $last AND l.day <= $last
GROUP BY l.order_day
"""
_MISSING = "SELECT s.day FROM kpi.days AS s WHERE s.kpi = 'orders' AND s.state = 'missing'"


@dataclass(frozen=True)
class Promotion:
    """A code over a span of days; margin is what its orders left after discounts, returns and goods of known cost.

    `is_sale` tells that it began and ended, so that days without it stand beside it.
    """

    code: str
    first_day: date
    last_day: date
    is_sale: bool
    orders: Decimal
    discounts: Decimal
    sales: Decimal
    margin: Decimal | None  # None where too little of it has a known cost

    @property
    def days(self) -> list[date]:
        return [
            self.first_day + timedelta(days=number)
            for number in range((self.last_day - self.first_day).days + 1)
        ]


@dataclass(frozen=True)
class _Calendar:
    """What the orders of each day left, and which days say nothing of an ordinary one."""

    margins: Mapping[date, tuple[Decimal, Decimal, Decimal]]  # with the gross of known cost and all gross
    missing: Set[date]
    on_sale: Set[date]
    start: date
    last_day: date
    least: Decimal

    def margin(self, day: date) -> Decimal:
        return self.margins[day][0] if day in self.margins else Decimal(0)

    def is_known(self, days: Iterable[date]) -> bool:
        """Whether enough of what the days sold has a known cost."""
        sums = [self.margins[day] for day in days if day in self.margins]
        known, gross = (sum((one[place] for one in sums), Decimal(0)) for place in (1, 2))
        return known >= self.least * gross


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Codes used in the last year, those that gave most away first; None when there was none.

    Of a sale: how much margin all orders of its days left beyond the median of the same weekdays of the four weeks
    before and after, days of other sales apart. A sale that still runs is not judged yet, and neither is one with a
    missing day. Margins are of articles of known cost, and withheld below the shop's minimum coverage.
    """
    ((start, least),) = connection.execute(
        "SELECT MIN(s.history_start), MIN(c.minimum_coverage) FROM config.shop AS s CROSS JOIN config.coverage AS c"
    ).fetchall()
    asked = {"last": last_day}
    found = list(_promotions(connection.execute(_ORDERS, asked).fetchall(), last_day - YEAR, least))
    if not found:
        return None
    calendar = _Calendar(
        {row[0]: tuple(row[1:]) for row in connection.execute(_DAYS, asked).fetchall()},
        {row[0] for row in connection.execute(_MISSING).fetchall()},
        {day for one in found if one.is_sale for day in one.days},
        start,
        last_day,
        least,
    )
    judged = [(one, _lift(one, calendar)) for one in found]
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
    parts["least"] = Part("percent", least)
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
        notes=_notes(found, [one for one, _ in sales]),
    )


def _notes(found: Sequence[Promotion], judged: Sequence[Promotion]) -> tuple[str, ...]:
    days = Counter(day for one in judged for day in one.days)
    notes = {
        "margin_withheld": any(one.margin is None for one in found),
        "overlap": any(count > 1 for count in days.values()),
    }
    return tuple(note for note, holds in notes.items() if holds)


def _promotions(rows: list[tuple[Any, ...]], first: date, least: Decimal) -> Iterator[Promotion]:
    """Each code's spans of use that reach into the year, from its days in order.

    A sale is told whole, of a code that is always there only what the year saw.
    """
    spans: list[list[tuple[Any, ...]]] = []
    for row in rows:
        if spans and spans[-1][-1][0] == row[0] and row[1] - spans[-1][-1][1] <= QUIET:
            spans[-1].append(row)
        else:
            spans.append([row])
    for span in spans:
        length = (span[-1][1] - span[0][1]).days + 1
        is_sale = length <= LONGEST_SALE and len(span) * 2 >= length
        told = [row for row in span if is_sale or row[1] >= first]
        if not told or span[-1][1] < first:
            continue
        orders, discounts, sales, margin, known, gross = (
            sum((Decimal(row[place]) for row in told), Decimal(0)) for place in range(2, 8)
        )
        yield Promotion(
            span[0][0], told[0][1], told[-1][1], is_sale, orders, discounts, sales,
            margin if known >= least * gross else None,
        )  # fmt: skip


def _lift(one: Promotion, calendar: _Calendar) -> Decimal | None:
    """Margin of the days of a sale beyond that of the same weekdays around it; None where that cannot be told.

    Days of other sales and days that are missing stand for nothing.
    """
    if not one.is_sale or one.last_day + QUIET > calendar.last_day or calendar.missing & set(one.days):
        return None
    lift, looked_at = Decimal(0), set(one.days)
    for day in one.days:
        beside = _days_beside(one, day, calendar)
        if len(beside) < LEAST_AROUND:
            return None
        looked_at.update(beside)
        lift += calendar.margin(day) - median(calendar.margin(other) for other in beside)
    return lift if calendar.is_known(looked_at) else None


def _days_beside(one: Promotion, day: date, calendar: _Calendar) -> list[date]:
    """The same weekday in the four weeks before the sale and after it, where it was an ordinary day."""
    reach = timedelta(weeks=WEEKS_AROUND)
    around = (
        day + timedelta(weeks=sign * weeks)
        for weeks in range(1, LONGEST_SALE // 7 + WEEKS_AROUND + 1)
        for sign in (-1, 1)
    )
    return [
        other
        for other in around
        if max(calendar.start, one.first_day - reach) <= other <= min(calendar.last_day, one.last_day + reach)
        and other not in calendar.on_sale
        and other not in calendar.missing
    ]
