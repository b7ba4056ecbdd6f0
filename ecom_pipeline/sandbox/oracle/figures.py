"""The shape of what the oracle says, so that every family of KPIs says it in the same one.

A *fact* is an exact amount on a local day with the segments it belongs to. Most KPIs are sums of
facts, cut by one dimension at a time; nothing here knows what the facts mean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ecom_pipeline.sandbox.oracle.books import Books

Kind = Literal["flow", "ratio", "snapshot", "window"]
Key = tuple[date, str, str]
Cut = tuple[str, str]
Value = tuple[Decimal, Decimal | None]
Figures = dict[Key, Value]

TOTAL: Cut = ("total", "")
UNKNOWN = "unknown"
UNASSIGNED = "Unassigned"
ZERO = Decimal(0)
ONE = Decimal(1)


class Fact(NamedTuple):
    """An exact amount (currency units or a count) on a local day."""

    day: date
    segments: Mapping[str, str]
    amount: Decimal
    order_id: int | None = None


@dataclass(frozen=True)
class Kpi:
    """How one KPI adds up over days, and how to compute it."""

    kind: Kind
    compute: Callable[[Books], Figures]


ValuesOfDay = Callable[["Books", date], Mapping[Cut, Value]]
FactsOf = Callable[["Books"], Iterable[Fact]]


def minus(facts: Iterable[Fact]) -> list[Fact]:
    """The same facts with the opposite sign."""
    return [fact._replace(amount=-fact.amount) for fact in facts]


def cuts(segments: Mapping[str, str], by: tuple[str, ...]) -> list[Cut]:
    """The total and one (dimension, segment) for each dimension asked; a segment not told is "unknown"."""
    return [TOTAL, *((dimension, segments.get(dimension) or UNKNOWN) for dimension in by)]


def sum_facts(books: Books, facts: Iterable[Fact], by: tuple[str, ...]) -> dict[Key, Decimal]:
    """Sum facts of the reported days by day and segment, with the total."""
    sums: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for fact in facts:
        if books.first_day <= fact.day <= books.as_of_day:
            for dimension, segment in cuts(fact.segments, by):
                sums[fact.day, dimension, segment] += fact.amount
    return dict(sums)


def divide(numerators: Mapping[Key, Decimal], denominators: Mapping[Key, Decimal]) -> Figures:
    """Pair sums as ratios; a side on which nothing happened is 0."""
    keys = numerators.keys() | denominators.keys()
    return {key: (numerators.get(key, ZERO), denominators.get(key, ZERO)) for key in keys}


def flow(by: tuple[str, ...], facts: FactsOf) -> Kpi:
    """A KPI that is the sum of facts."""

    def compute(books: Books) -> Figures:
        return {key: (amount, None) for key, amount in sum_facts(books, facts(books), by).items()}

    return Kpi("flow", compute)


def ratio(by: tuple[str, ...], numerator: FactsOf, denominator: FactsOf) -> Kpi:
    """A KPI that is a sum of facts over a sum of facts."""

    def compute(books: Books) -> Figures:
        return divide(
            sum_facts(books, numerator(books), by),
            sum_facts(books, denominator(books), by),
        )

    return Kpi("ratio", compute)


def as_of_each_day(kind: Kind, values_of_day: ValuesOfDay) -> Kpi:
    """A KPI computed afresh as of each day reported."""

    def compute(books: Books) -> Figures:
        return {
            (day, dimension, segment): value
            for day in books.days
            for (dimension, segment), value in values_of_day(books, day).items()
        }

    return Kpi(kind, compute)


def days_ending(day: date, count: int) -> list[date]:
    """The `count` days that end with `day`, in order."""
    return [day - timedelta(days=back) for back in reversed(range(count))]
