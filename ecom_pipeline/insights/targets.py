"""What the shop aims at in a period, how much of it was reached, and where the period will end.

A ratio's, snapshot's or window's target is one value whatever the period. A flow's target is an amount by week,
month, quarter or year, which each of that calendar period's days shares evenly; any other span of days has the
sum of its days' shares, exactly. Where several periods are named, the one looked at counts, else the shortest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from ecom_pipeline.insights.drivers import as_decimal
from ecom_pipeline.insights.signals import is_worse
from ecom_pipeline.kpis.definition import Kpi

_DAY = timedelta(days=1)
SHAPE_DAYS = 28  # four complete weeks tell what each weekday brings


class Span(StrEnum):
    """Calendar periods a flow's target may be named for, shortest first."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True)
class Target:
    """One KPI's aim on the days it holds (both ends included): a value, or a flow's amounts by period."""

    value: Decimal | None = None
    amounts: Mapping[Span, Decimal] = field(default_factory=dict)
    first_day: date | None = None
    last_day: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.first_day or day) <= day <= (self.last_day or day)


@dataclass(frozen=True)
class Progress:
    """How far a flow has come in a calendar period, days until `until` over.

    `due` is the target of the days that are over, `target` that of the whole period; `forecast` is None where
    a day is missing.
    """

    first_day: date
    last_day: date
    until: date
    actual: Decimal
    due: Decimal
    target: Decimal
    forecast: Decimal | None

    @property
    def attainment(self) -> Decimal | None:
        """Actual by what was due so far."""
        return self.actual / self.due if self.due else None

    @property
    def expected_attainment(self) -> Decimal | None:
        """Forecast by the whole period's target."""
        return self.forecast / self.target if self.forecast is not None and self.target else None


@dataclass(frozen=True)
class Attainment:
    """KPIs on target by KPIs with a target and a value, of one family or, with an empty name, of all."""

    family: str
    met: int
    number: int

    @property
    def share(self) -> Decimal:
        return Decimal(self.met) / self.number


def compute_attainment(
    kpis: Mapping[str, Kpi], standings: Mapping[str, tuple[Decimal | None, Decimal | None]]
) -> tuple[Attainment, ...]:
    """All first, then by family in reading order, from each KPI's value and target; empty without any.

    A KPI that is neither good nor bad has no side to be on, and one that was not measured is not counted.
    """
    counts: dict[str, list[bool]] = {}
    for key, (value, target) in standings.items():
        if value is not None and target is not None and kpis[key].good != "neutral":
            is_met = not is_worse(kpis[key], value, target)
            for family in ("", kpis[key].family):
                counts.setdefault(family, []).append(is_met)
    return tuple(Attainment(family, sum(met), len(met)) for family, met in counts.items())


def span_bounds(span: Span, day: date) -> tuple[date, date]:
    """First and last day of the calendar period that holds the day; weeks begin on Mondays."""
    if span is Span.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    months = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}[span]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    after = first.month + months
    return first, date(first.year + after // 13, (after - 1) % 12 + 1, 1) - _DAY


def target_value(targets: Sequence[Target], day: date) -> Decimal | None:
    """The value aimed at on a day; None where none holds."""
    return next((one.value for one in targets if one.holds_on(day)), None)


def target_amount(targets: Sequence[Target], first_day: date, last_day: date) -> Decimal | None:
    """A flow's target for a span of days, both included; None where one of them has no target."""
    spans = [span for span in Span if span_bounds(span, first_day) == (first_day, last_day)]
    return prorate(targets, first_day, last_day, spans[0] if spans else None)


def prorate(
    targets: Sequence[Target], first_day: date, last_day: date, looked_at: Span | None
) -> Decimal | None:
    """The days' shares of the period looked at where the target names it, else of the shortest it names."""
    total = Fraction(0)
    day = first_day
    while day <= last_day:
        target = next((one for one in targets if one.holds_on(day)), None)
        if target is None or not target.amounts:
            return None
        named = [span for span in (looked_at, *Span) if span is not None and span in target.amounts]
        first, last = span_bounds(named[0], day)
        total += Fraction(target.amounts[named[0]]) / ((last - first).days + 1)
        day += _DAY
    return as_decimal(total)


def compute_progress(
    days: Mapping[date, Decimal | None], targets: Sequence[Target], span: Span, until: date
) -> Progress | None:
    """A flow's calendar period up to a day; None where its target does not hold or a day so far is missing.

    The forecast adds to what there is, for each day to come, the mean of the same weekday in the last four
    complete weeks (Monday to Sunday): no trend and no season, so a sale to come is not in it.
    """
    first, last = span_bounds(span, until)
    due, target = prorate(targets, first, until, span), prorate(targets, first, last, span)
    so_far = [days.get(first + index * _DAY) for index in range((until - first).days + 1)]
    known = [amount for amount in so_far if amount is not None]
    if due is None or target is None or len(known) < len(so_far):
        return None
    actual = sum(known, Decimal(0))
    rest = _expected_rest(days, until, last)
    return Progress(first, last, until, actual, due, target, None if rest is None else actual + rest)


def _expected_rest(days: Mapping[date, Decimal | None], until: date, last: date) -> Decimal | None:
    sunday = until - timedelta(days=until.isoweekday() % 7)
    shape = [days.get(sunday - index * _DAY) for index in range(SHAPE_DAYS)]
    known = [amount for amount in shape if amount is not None]
    if len(known) < SHAPE_DAYS:
        return None
    # Newest first, a Sunday: index 0 and every seventh are Sundays, 1 and every seventh Saturdays, …
    means = [sum(known[back::7], Decimal(0)) / 4 for back in range(7)]
    to_come = [until + index * _DAY for index in range(1, (last - until).days + 1)]
    return sum((means[(7 - day.isoweekday()) % 7] for day in to_come), Decimal(0))
