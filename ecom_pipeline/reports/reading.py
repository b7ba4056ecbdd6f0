"""Reads what a week's report needs of the KPI tables: every KPI's week, its 26 weeks, its segments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

import duckdb

from ecom_pipeline.insights.bands import compute_band
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, PeriodValue, State, Value, read_period_values
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
    # Each reading brings the week before with it, so every other week is enough.
    ends = [last_day - 2 * index * _WEEK for index in range(WEEKS // 2)]
    weeks: dict[str, dict[date, Value]] = defaultdict(dict)
    newest: dict[str, PeriodValue] = {}
    for value in read_period_values(totals, kpis, Period.WEEK, ends, coverage):
        weeks[value.kpi][value.last_day] = value.current
        weeks[value.kpi][value.last_day - _WEEK] = value.previous
        if value.last_day == last_day:
            newest[value.kpi] = value
    for kpi in kpis:
        readings.figures[kpi.key] = _figure(kpi, newest[kpi.key], weeks[kpi.key], request)


def _figure(kpi: Kpi, week: PeriodValue, weeks: Mapping[date, Value], request: ReportRequest) -> Figure:
    history = tuple(weeks[end].value if weeks[end].state is State.OK else None for end in sorted(weeks))
    return Figure(
        kpi.key, week.first_day, week.last_day, week.current, week.previous, week.previous_year, history,
        compute_band(history[:-1], kpi.minimum, kpi.maximum), request.targets.get(kpi.key),
    )  # fmt: skip
