"""What a KPI was in a period: the one way every reader (report, CLI, checks, UI) gets values.

Stored are numerators and denominators by day and segment; a period's value is made here, by the
catalogue's rules: sums for flows, sum over sum for ratios, the last day's for snapshots and windows,
nothing at all where a day was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

import duckdb
import pyarrow as pa

from ecom_pipeline.kpis.definition import Kind, Kpi

TOTAL = ("total", "")
OLD_AS_NEW = "customers before the history count as new"  # the reason a complete day may bear in kpi.days
YEAR = timedelta(days=364)  # 52 weeks: compares Mondays with Mondays


class Period(StrEnum):
    """Periods a KPI can be read over, each named by its last day."""

    DAY = "day"
    WEEK = "week"  # ISO, Monday to Sunday
    MONTH = "month"
    ROLLING_7 = "rolling_7"
    ROLLING_28 = "rolling_28"
    ROLLING_365 = "rolling_365"


class State(StrEnum):
    """Why a value is there or is not."""

    OK = "ok"
    MISSING = "missing"  # a day's extract failed or never ran, or no source feeds the KPI
    IMMATURE = "immature"  # all days are too young for this KPI
    LOW_COVERAGE = "low_coverage"  # withheld: too little of it is known
    UNDEFINED = "undefined"  # nothing to divide by, or nothing to look at yet
    NO_HISTORY = "no_history"  # the period begins before the data does, or before they reach back far enough


@dataclass(frozen=True)
class Value:
    """One KPI in one period and segment. `value` is None unless `state` is OK."""

    value: Decimal | None
    state: State
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    coverage: Decimal | None = None  # share of what is needed that is known, 0..1
    days_provisional: int = 0  # days left out because they are too young
    reason: str | None = None  # for MISSING: which sources and tables; for NO_HISTORY: what is too short
    low: Decimal | None = None  # likely range, where a KPI tells one: 5 to 95 %
    high: Decimal | None = None
    history_days: int | None = None  # days of history it rests on, where these are fewer than it looks at
    counts_old_as_new: bool = False  # because nothing is known of those who bought before the history

    def against_limits(self, kpi: Kpi) -> Decimal | None:
        """The value where a limit of the field may be held against it: not of a window the history does not fill."""
        is_short = kpi.window is not None and self.history_days is not None and self.history_days < kpi.window
        return None if is_short else self.value


@dataclass(frozen=True)
class PeriodValue:
    """A value with what it is compared to."""

    kpi: str
    period: Period
    first_day: date
    last_day: date
    dimension: str
    segment: str
    current: Value
    previous: Value
    previous_year: Value


def period_bounds(period: Period, last_day: date) -> tuple[date, date]:
    """First and last day of the period that ends with (for weeks and months: contains) the day."""
    if period is Period.WEEK:
        monday = last_day - timedelta(days=last_day.weekday())
        return monday, monday + timedelta(days=6)
    if period is Period.MONTH:
        first = last_day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    lengths = {Period.DAY: 1, Period.ROLLING_7: 7, Period.ROLLING_28: 28, Period.ROLLING_365: 365}
    length = lengths[period]
    return last_day - timedelta(days=length - 1), last_day


def compared_bounds(period: Period, last_day: date) -> dict[str, tuple[date, date]]:
    """The period itself, the one before it and the one a year earlier."""
    first, last = period_bounds(period, last_day)
    if period is Period.MONTH:
        year_before = (first.replace(year=first.year - 1), _month_end(first.replace(year=first.year - 1)))
    else:
        year_before = (first - YEAR, last - YEAR)
    before = period_bounds(period, first - timedelta(days=1))
    return {"current": (first, last), "previous": before, "previous_year": year_before}


def _month_end(first: date) -> date:
    return period_bounds(Period.MONTH, first)[1]


def periods_to_mature(kpi: Kpi, least_days: int) -> int:
    """Whole periods, of at least so many days, until one of this KPI is worth showing.

    A few days of immaturity cost none and are left out of their period; but a flow's sum over fewer days than those
    before it have would look like a fall.
    """
    is_short = kpi.kind is Kind.FLOW and least_days > 1
    return -(-kpi.matures_after // least_days) if kpi.matures_after >= 7 or is_short else 0


@dataclass
class _Sums:
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    covered: Decimal | None = None
    coverable: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass
class _Days:
    """How many days of a range are in which state, for one KPI."""

    complete: int = 0
    missing: int = 0
    immature: int = 0
    no_history: int = 0
    reasons: set[str] = field(default_factory=set)
    last_state: str | None = None
    history_days: int | None = None  # up to the range's last day; None where the history begins later
    counts_old_as_new: bool = False


def read_period_values(
    connection: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    period: Period,
    last_days: Sequence[date],
    minimum_coverage: Decimal = Decimal("0.9"),
) -> list[PeriodValue]:
    """Values of the KPIs for each period ending with one of the days, all segments, totals first.

    Reads `kpi.daily` and `kpi.days`. A segment appears when it has a row in the period or in one of the
    two it is compared to; the total always appears.
    """
    ranges = [
        (slot, last_day, first, last)
        for last_day in last_days
        for slot, (first, last) in compared_bounds(period, last_day).items()
    ]
    connection.register("period_ranges", _ranges_table(ranges))
    connection.register("period_kpis", _kpis_table(kpis))
    try:
        sums = _read_sums(connection)
        days = _read_days(connection)
    finally:
        connection.unregister("period_ranges")
        connection.unregister("period_kpis")
    return [
        value
        for kpi in kpis
        for last_day in last_days
        for value in _period_values(kpi, period, last_day, sums, days, minimum_coverage)
    ]


def _period_values(
    kpi: Kpi,
    period: Period,
    last_day: date,
    sums: dict[tuple[str, str, date], dict[tuple[str, str], _Sums]],
    days: dict[tuple[str, str, date], _Days],
    minimum_coverage: Decimal,
) -> Iterator[PeriodValue]:
    bounds = compared_bounds(period, last_day)
    by_slot = {slot: sums.get((kpi.key, slot, last_day), {}) for slot in bounds}
    segments = {TOTAL}.union(*by_slot.values())
    for dimension, segment in sorted(segments, key=lambda cut: (cut != TOTAL, cut)):
        values = {
            slot: make_value(
                kpi,
                by_slot[slot].get((dimension, segment), _Sums()),
                days.get((kpi.key, slot, last_day), _Days()),
                (bounds[slot][1] - bounds[slot][0]).days + 1,
                minimum_coverage,
            )
            for slot in bounds
        }
        yield PeriodValue(
            kpi.key, period, *bounds["current"], dimension, segment,
            values["current"], values["previous"], values["previous_year"],
        )  # fmt: skip


def make_value(kpi: Kpi, sums: _Sums, days: _Days, length: int, minimum_coverage: Decimal) -> Value:
    """Apply the catalogue's rules for what may be shown to one period's sums."""
    absent = _absence(kpi, days, length)
    if absent is not None:
        return absent
    numerator, denominator = sums.numerator, sums.denominator
    if kpi.kind is Kind.FLOW:
        numerator = numerator if numerator is not None else Decimal(0)
    if (
        numerator is None
        or (kpi.kind is not Kind.FLOW and denominator == 0)
        or (kpi.kind is Kind.RATIO and not denominator)
    ):
        return Value(None, State.UNDEFINED, numerator, denominator, days_provisional=days.immature)
    coverage = sums.covered / sums.coverable if sums.covered is not None and sums.coverable else None
    known = (numerator, denominator, coverage, days.immature)
    if coverage is not None and coverage < minimum_coverage:
        return Value(None, State.LOW_COVERAGE, *known)
    value = numerator if denominator is None else numerator / denominator
    short = kpi.kind is Kind.WINDOW and days.history_days is not None and days.history_days < kpi.reach
    return Value(
        value, State.OK, *known, low=sums.low, high=sums.high,
        history_days=days.history_days if short or days.counts_old_as_new else None,
        counts_old_as_new=days.counts_old_as_new,
    )  # fmt: skip


def _absence(kpi: Kpi, days: _Days, length: int) -> Value | None:
    reason = "; ".join(sorted(days.reasons)) or None
    if kpi.kind in (Kind.SNAPSHOT, Kind.WINDOW):
        if days.last_state is None:
            return Value(None, State.NO_HISTORY)
        if days.last_state != "complete":
            return Value(None, State(days.last_state), reason=reason)
        return None
    if days.missing:
        return Value(None, State.MISSING, reason=reason)
    if days.no_history:
        return Value(None, State.NO_HISTORY, reason=reason)
    if days.complete + days.immature < length:
        return Value(None, State.NO_HISTORY)
    if days.complete == 0:
        return Value(None, State.IMMATURE, days_provisional=days.immature)
    return None


def _ranges_table(ranges: list[tuple[str, date, date, date]]) -> pa.Table:
    slots, keys, firsts, lasts = zip(*ranges, strict=True) if ranges else ((), (), (), ())
    return pa.table(
        {
            "slot": pa.array(slots, pa.string()),
            "key_day": pa.array(keys, pa.date32()),
            "first_day": pa.array(firsts, pa.date32()),
            "last_day": pa.array(lasts, pa.date32()),
        }
    )


def _kpis_table(kpis: Sequence[Kpi]) -> pa.Table:
    return pa.table(
        {
            "kpi": pa.array([kpi.key for kpi in kpis], pa.string()),
            "is_summed": pa.array([not kpi.cuts_itself for kpi in kpis], pa.bool_()),
        }
    )


def _read_sums(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str, date], dict[tuple[str, str], _Sums]]:
    rows = connection.execute(
        """
        SELECT d.kpi, r.slot, r.key_day, d.dimension, d.segment,
               SUM(d.numerator), SUM(d.denominator), SUM(d.covered), SUM(d.coverable), MAX(d.low), MAX(d.high)
        FROM kpi.daily AS d
        JOIN period_kpis AS k ON k.kpi = d.kpi
        JOIN period_ranges AS r
          ON d.day BETWEEN r.first_day AND r.last_day AND (k.is_summed OR d.day = r.last_day)
        JOIN kpi.days AS s ON s.kpi = d.kpi AND s.day = d.day AND s.state = 'complete'
        GROUP BY d.kpi, r.slot, r.key_day, d.dimension, d.segment
        """
    ).fetchall()
    found: dict[tuple[str, str, date], dict[tuple[str, str], _Sums]] = {}
    for kpi, slot, key_day, dimension, segment, *sums in rows:
        found.setdefault((kpi, slot, key_day), {})[(dimension, segment)] = _Sums(*sums)
    return found


def _read_days(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, date], _Days]:
    rows = connection.execute(
        """
        SELECT s.kpi, r.slot, r.key_day, s.state, s.reason, COUNT(*), BOOL_OR(s.day = r.last_day),
               MAX(r.last_day - b.first_day) + 1
        FROM kpi.days AS s
        JOIN period_kpis AS k ON k.kpi = s.kpi
        JOIN period_ranges AS r ON s.day BETWEEN r.first_day AND r.last_day
        JOIN (SELECT kpi, MIN(day) AS first_day FROM kpi.days GROUP BY kpi) AS b ON b.kpi = s.kpi
        GROUP BY s.kpi, r.slot, r.key_day, s.state, s.reason
        """
    ).fetchall()
    found: dict[tuple[str, str, date], _Days] = {}
    for kpi, slot, key_day, state, reason, count, is_last, history_days in rows:
        days = found.setdefault((kpi, slot, key_day), _Days())
        setattr(days, state, getattr(days, state) + count)
        days.history_days = history_days
        if state in ("missing", "no_history") and reason:
            days.reasons.add(reason)
        if state == "complete" and reason == OLD_AS_NEW:
            days.counts_old_as_new = True
        if is_last:
            days.last_state = state
    return found
