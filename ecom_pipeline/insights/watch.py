"""What calls for attention on a day: the seven days that end with it, judged as the weekly report judges a week.

A single day is too noisy to judge, and a week judged on Mondays only tells of a Tuesday's breakdown six days later.
So the same bands, limits and targets are applied to the rolling seven days; their history is the same seven
weekdays of each week before. KPIs whose newest days are too young to be judged are left to the report.

Seven readings a week would err more often than one, so the bands are a tenth wider, and a week is unusual only when
the seven days that ended the day before were, too. `ecom_pipeline_tests.quiet_years` measures it: what is told of
quiet shops in a month, over all KPIs, stands in `ecom_pipeline.insights.bands`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.bands import CLOSE, DAILY, FAR, Band, compute_band
from ecom_pipeline.insights.signals import (
    STEERING,
    Signal,
    choose_signals,
    compute_limit,
    compute_missed,
    compute_unusual,
)
from ecom_pipeline.insights.targets import Target, target_amount, target_value
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.totals import copied_totals
from ecom_pipeline.kpis.values import YEAR, Period, Value, read_period_values

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True)
class Watched:
    """A KPI's day, the seven days that end with it, and the seven before; None is not measured.

    `is_confirmed` tells that the seven days that ended the day before were unusual on the bad side.
    """

    kpi: str
    day_value: Decimal | None
    week_value: Decimal | None
    against_limits: Decimal | None  # the week's value, where it means what the field's limits mean
    week_before: Decimal | None
    band: Band | None
    target: Decimal | None
    is_confirmed: bool


def read_watched(
    connection: duckdb.DuckDBPyConnection,
    kpis: Mapping[str, Kpi],
    day: date,
    essentials: Collection[str],
    targets: Mapping[str, tuple[Target, ...]],
    minimum_coverage: Decimal,
) -> dict[str, Watched]:
    """The KPIs in total on the day and over the seven days that end with it.

    Reads `kpi.daily` and `kpi.days`.
    """
    chosen = list(kpis.values())
    # Each reading brings the week of the year before with it, so the newer half is enough.
    ends = [end - index * _WEEK for end in (day, day - _DAY) for index in range(DAILY.history // 2 + 1)]
    weeks: dict[str, dict[date, Value]] = defaultdict(dict)
    with copied_totals(connection) as totals:
        for value in read_period_values(totals, chosen, Period.ROLLING_7, ends, minimum_coverage):
            weeks[value.kpi][value.last_day] = value.current
            weeks[value.kpi].setdefault(value.last_day - YEAR, value.previous_year)
        days = read_period_values(totals, chosen, Period.DAY, [day], minimum_coverage)
    day_values = {value.kpi: value.current.value for value in days}
    return {
        kpi.key: _watched(kpi, day, weeks[kpi.key], day_values[kpi.key], essentials, targets)
        for kpi in chosen
    }


def choose_watched(kpis: Mapping[str, Kpi], watched: Mapping[str, Watched], at_most: int) -> list[Signal]:
    """The strongest signals among the KPIs that name something to do."""
    found = [
        signal
        for key, one in watched.items()
        if kpis[key].action is not None
        for signal in (
            compute_unusual(kpis[key], one.week_value, one.band) if one.is_confirmed else None,
            compute_limit(kpis[key], one.against_limits),
            compute_missed(kpis[key], one.week_value, one.target),
        )
        if signal is not None
    ]
    return choose_signals(found, at_most, STEERING)


def _watched(
    kpi: Kpi,
    day: date,
    weeks: Mapping[date, Value],
    day_value: Decimal | None,
    essentials: Collection[str],
    targets: Mapping[str, tuple[Target, ...]],
) -> Watched:
    width = CLOSE if kpi.key in (*STEERING, *essentials) else FAR
    (value, band), (value_before, band_before) = (
        _judged(kpi, end, weeks, width) for end in (day, day - _DAY)
    )
    own = targets.get(kpi.key, ())
    first = day - timedelta(days=6)
    return Watched(
        kpi.key,
        day_value,
        value,
        None if value is None else weeks[day].against_limits(kpi),
        weeks[day - _WEEK].value,
        band,
        target_amount(own, first, day) if kpi.kind is Kind.FLOW else target_value(own, day),
        compute_unusual(kpi, value_before, band_before) is not None,
    )


def _judged(
    kpi: Kpi, end: date, weeks: Mapping[date, Value], width: Decimal
) -> tuple[Decimal | None, Band | None]:
    """The seven days that end with a day, and what is usual after the same weekdays of the weeks before."""
    # A value that is withheld (too young, too little known) is None; a sum over too few days must be, too.
    week = weeks[end]
    value = None if kpi.kind is Kind.FLOW and week.days_provisional else week.value
    before = [weeks[other].value for other in sorted(weeks) if other < end and (end - other).days % 7 == 0]
    return value, compute_band(before, kpi.minimum, kpi.maximum, width, DAILY)
