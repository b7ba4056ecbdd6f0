"""Reads what a report needs of the KPI tables: every KPI's period, those before it, its segments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

import duckdb

from ecom_pipeline.insights.bands import CLOSE, FAR, MONTHLY, WEEKLY, compute_band
from ecom_pipeline.insights.signals import STEERING
from ecom_pipeline.insights.targets import (
    SHAPE_DAYS,
    Progress,
    Span,
    Target,
    compute_progress,
    span_bounds,
    target_amount,
    target_value,
)
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.totals import copied_totals
from ecom_pipeline.kpis.values import (
    TOTAL,
    Period,
    PeriodValue,
    State,
    Value,
    periods_to_mature,
    read_period_values,
)
from ecom_pipeline.periods import ReportPeriod, Rhythm
from ecom_pipeline.reports.report import Figure, ReportRequest

# How many periods the report shows, how they are judged, what a lag is counted in, and whose end is foretold.
SHOWN = {Rhythm.WEEKLY: 26, Rhythm.MONTHLY: 25}
_LEAST_DAYS = {Rhythm.WEEKLY: 7, Rhythm.MONTHLY: 31}
_CADENCE = {Rhythm.WEEKLY: WEEKLY, Rhythm.MONTHLY: MONTHLY}
_PROGRESS = {Rhythm.WEEKLY: Span.MONTH, Rhythm.MONTHLY: Span.YEAR}


@dataclass
class Readings:
    """Every KPI's figure, and its segments in the reported period by dimension."""

    figures: dict[str, Figure] = field(default_factory=dict)
    segments: dict[str, dict[str, list[PeriodValue]]] = field(default_factory=dict)


def read_figures(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], request: ReportRequest
) -> Readings:
    """Read all KPIs; those that need longer than a period to mature in the newest period that is mature."""
    readings = Readings()
    rhythm = request.period.rhythm
    by_lag = sorted(kpis.values(), key=lambda kpi: periods_to_mature(kpi, _LEAST_DAYS[rhythm]))
    with copied_totals(connection) as totals:
        for lag, group in groupby(by_lag, key=lambda kpi: periods_to_mature(kpi, _LEAST_DAYS[rhythm])):
            _read_group(connection, totals, list(group), request.period.back(lag), request, readings)
    return readings


def read_four_weeks_before(
    connection: duckdb.DuckDBPyConnection, kpi: Kpi, figure: Figure, request: ReportRequest
) -> dict[tuple[str, str], Value]:
    """The KPI over the 28 days that end before the figure's week, by dimension and segment."""
    day_before = figure.period.first_day - timedelta(days=1)
    values = read_period_values(connection, [kpi], Period.ROLLING_28, [day_before], request.minimum_coverage)
    return {(value.dimension, value.segment): value.current for value in values}


def read_progress(
    connection: duckdb.DuckDBPyConnection,
    kpi: Kpi,
    targets: Sequence[Target],
    span: Span,
    until: date,
    minimum_coverage: Decimal = Decimal("0.9"),
) -> Progress | None:
    """A flow's calendar period up to a day, against its targets."""
    first = min(span_bounds(span, until)[0], until - timedelta(days=SHAPE_DAYS + 6))
    days = [first + timedelta(days=index) for index in range((until - first).days + 1)]
    values = read_period_values(connection, [kpi], Period.DAY, days, minimum_coverage)
    amounts = {value.last_day: value.current.value for value in values if value.dimension == TOTAL[0]}
    return compute_progress(amounts, targets, span, until)


def _read_group(
    connection: duckdb.DuckDBPyConnection,
    totals: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    period: ReportPeriod,
    request: ReportRequest,
    readings: Readings,
) -> None:
    coverage, rhythm = request.minimum_coverage, period.rhythm
    for value in read_period_values(connection, kpis, rhythm.period, [period.last_day], coverage):
        if (value.dimension, value.segment) != TOTAL:
            readings.segments.setdefault(value.kpi, {}).setdefault(value.dimension, []).append(value)
    # Each reading brings the period of the year before with it, so the oldest year need not be asked for.
    ends = {period.last_day: period}
    while len(ends) <= _CADENCE[rhythm].history - _CADENCE[rhythm].year:
        before = ends[min(ends)].back(1)
        ends[before.last_day] = before
    history: dict[str, dict[date, Value]] = defaultdict(dict)
    newest: dict[str, PeriodValue] = {}
    for value in read_period_values(totals, kpis, rhythm.period, list(ends), coverage):
        history[value.kpi][value.last_day] = value.current
        history[value.kpi].setdefault(ends[value.last_day].year_before().last_day, value.previous_year)
        if value.last_day == period.last_day:
            newest[value.kpi] = value
    for kpi in kpis:
        targets = request.targets.get(kpi.key, ())
        progress = None
        if targets and kpi.kind is Kind.FLOW:
            progress = read_progress(
                totals, kpi, targets, _PROGRESS[rhythm], request.period.last_day, coverage
            )
        readings.figures[kpi.key] = _figure(kpi, period, newest[kpi.key], history[kpi.key], request, progress)


def _target(kpi: Kpi, period: ReportPeriod, request: ReportRequest) -> Decimal | None:
    targets = request.targets.get(kpi.key, ())
    if kpi.kind is Kind.FLOW:
        return target_amount(targets, period.first_day, period.last_day)
    return target_value(targets, period.last_day)


def _figure(
    kpi: Kpi,
    period: ReportPeriod,
    value: PeriodValue,
    periods: Mapping[date, Value],
    request: ReportRequest,
    progress: Progress | None,
) -> Figure:
    history = tuple(periods[end].value if periods[end].state is State.OK else None for end in sorted(periods))
    # What a shop steers by, and what its reader chose to watch, is judged more closely than all the rest.
    width = CLOSE if kpi.key in (*STEERING, *request.audience.essentials) else FAR
    return Figure(
        kpi.key, period, value.current, value.previous, value.previous_year, history[-SHOWN[period.rhythm] :],
        compute_band(history[:-1], kpi.minimum, kpi.maximum, width, _CADENCE[period.rhythm]), _target(kpi, period, request), progress,
    )  # fmt: skip
