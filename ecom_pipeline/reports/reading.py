"""Reads what a week's report needs of the KPI tables: every KPI's week, its 26 weeks, its segments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

import duckdb

from ecom_pipeline.insights.bands import CLOSE, FAR, HISTORY, compute_band
from ecom_pipeline.insights.signals import STEERING
from ecom_pipeline.insights.targets import (
    SHAPE_DAYS,
    Progress,
    Span,
    Target,
    compute_progress,
    target_amount,
    target_value,
)
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import TOTAL, YEAR, Period, PeriodValue, State, Value, read_period_values
from ecom_pipeline.reports.report import Figure, ReportRequest

WEEKS = 26
_WEEK = timedelta(days=7)


@dataclass
class Readings:
    """Every KPI's figure, and its segments in the reported week by dimension."""

    figures: dict[str, Figure] = field(default_factory=dict)
    segments: dict[str, dict[str, list[PeriodValue]]] = field(default_factory=dict)


def read_week(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], request: ReportRequest
) -> Readings:
    """Read all KPIs; those that need more than a week to mature in the newest week that is mature."""
    readings = Readings()
    by_lag = sorted(kpis.values(), key=weeks_to_mature)
    with _copy_totals(connection) as totals:
        for lag, group in groupby(by_lag, key=weeks_to_mature):
            last_day = request.week_last_day - lag * _WEEK
            _read_group(connection, totals, list(group), last_day, request, readings)
    return readings


def weeks_to_mature(kpi: Kpi) -> int:
    """Whole weeks until a week of this KPI is worth showing; a day or two of immaturity costs none."""
    return -(-kpi.matures_after // 7) if kpi.matures_after >= 7 else 0


def read_four_weeks_before(
    connection: duckdb.DuckDBPyConnection, kpi: Kpi, figure: Figure, request: ReportRequest
) -> dict[tuple[str, str], Value]:
    """The KPI over the 28 days that end before the figure's week, by dimension and segment."""
    day_before = figure.first_day - timedelta(days=1)
    values = read_period_values(connection, [kpi], Period.ROLLING_28, [day_before], request.minimum_coverage)
    return {(value.dimension, value.segment): value.current for value in values}


def read_progress(
    connection: duckdb.DuckDBPyConnection,
    kpi: Kpi,
    targets: Sequence[Target],
    until: date,
    minimum_coverage: Decimal = Decimal("0.9"),
) -> Progress | None:
    """A flow's month up to a day, against its targets."""
    first = min(until.replace(day=1), until - timedelta(days=SHAPE_DAYS + 6))
    days = [first + timedelta(days=index) for index in range((until - first).days + 1)]
    values = read_period_values(connection, [kpi], Period.DAY, days, minimum_coverage)
    amounts = {value.last_day: value.current.value for value in values if value.dimension == TOTAL[0]}
    return compute_progress(amounts, targets, Span.MONTH, until)


def _copy_totals(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The totals alone, in a database of their own.

    The weeks before are shown in total only; reading them with all their segments took most of a
    report's time in a shop of 1,500 products.
    """
    totals = duckdb.connect()
    totals.execute("CREATE SCHEMA kpi")
    for table, condition in (("daily", "dimension = 'total'"), ("days", "TRUE")):
        rows = connection.sql(f"SELECT * FROM kpi.{table} WHERE {condition}").to_arrow_table()
        totals.register("incoming", rows)
        totals.execute(f"CREATE TABLE kpi.{table} AS FROM incoming")
        totals.unregister("incoming")
    return totals


def _read_group(
    connection: duckdb.DuckDBPyConnection,
    totals: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    last_day: date,
    request: ReportRequest,
    readings: Readings,
) -> None:
    coverage = request.minimum_coverage
    for value in read_period_values(connection, kpis, Period.WEEK, [last_day], coverage):
        if (value.dimension, value.segment) != TOTAL:
            readings.segments.setdefault(value.kpi, {}).setdefault(value.dimension, []).append(value)
    # Each reading brings the week of the year before with it, so the newer half is enough.
    ends = [last_day - index * _WEEK for index in range(HISTORY // 2 + 1)]
    weeks: dict[str, dict[date, Value]] = defaultdict(dict)
    newest: dict[str, PeriodValue] = {}
    for value in read_period_values(totals, kpis, Period.WEEK, ends, coverage):
        weeks[value.kpi][value.last_day] = value.current
        weeks[value.kpi][value.last_day - YEAR] = value.previous_year
        if value.last_day == last_day:
            newest[value.kpi] = value
    for kpi in kpis:
        targets = request.targets.get(kpi.key, ())
        progress = None
        if targets and kpi.kind is Kind.FLOW:
            progress = read_progress(totals, kpi, targets, request.week_last_day, coverage)
        readings.figures[kpi.key] = _figure(kpi, newest[kpi.key], weeks[kpi.key], request, progress)


def _target(kpi: Kpi, week: PeriodValue, request: ReportRequest) -> Decimal | None:
    targets = request.targets.get(kpi.key, ())
    if kpi.kind is Kind.FLOW:
        return target_amount(targets, week.first_day, week.last_day)
    return target_value(targets, week.last_day)


def _figure(
    kpi: Kpi,
    week: PeriodValue,
    weeks: Mapping[date, Value],
    request: ReportRequest,
    progress: Progress | None,
) -> Figure:
    history = tuple(weeks[end].value if weeks[end].state is State.OK else None for end in sorted(weeks))
    # What a shop steers by, and what its reader chose to watch, is judged more closely than all the rest.
    width = CLOSE if kpi.key in (*STEERING, *request.essentials) else FAR
    return Figure(
        kpi.key, week.first_day, week.last_day, week.current, week.previous, week.previous_year, history[-WEEKS:],
        compute_band(history[:-1], kpi.minimum, kpi.maximum, width), _target(kpi, week, request), progress,
    )  # fmt: skip
