"""What a cockpit holds, in numbers only: one set that every language's file is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ecom_pipeline.insights.bands import Band, Cadence
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline.insights.signals import Signal
from ecom_pipeline.insights.targets import Progress, Target
from ecom_pipeline.insights.watch import Watched
from ecom_pipeline.kpis.cohorts import Cohort
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, Value
from ecom_pipeline.reports.audience import Audience

Cut = tuple[str, str]  # dimension and segment
OTHERS = "\ue000"  # the segment that sums those not listed; a private character, which no name holds


@dataclass(frozen=True)
class CockpitRequest:
    """Which shop's cockpit, for whom, up to which day, against which targets. `generated_at` is UTC."""

    shop_name: str
    currency: str
    newest_day: date
    audience: Audience
    targets: Mapping[str, tuple[Target, ...]]
    minimum_coverage: Decimal
    generated_at: datetime


@dataclass(frozen=True)
class Grain:
    """One length of period and how far back it is known.

    Periods have places: 0 is the newest that is over, 1 the one before it. The same period a year before stands
    `year` places further. The newest `shown` can be looked at, of which the newest `cut` by segment.
    """

    key: str
    period: Period
    shown: int
    year: int
    cut: int
    least_days: int  # of the shortest such period
    cadence: Cadence | None = None  # how its newest period is judged, where it is


@dataclass(frozen=True)
class Span:
    """First and last day of a period, both included."""

    first_day: date
    last_day: date


@dataclass(frozen=True)
class Series:
    """One KPI over one grain's places, by cut; None where a segment was not looked at.

    `targets` and `shift` are of the places that are shown: a KPI whose newest days are too young is told `shift`
    places earlier than its reader asks, as in the report.
    """

    values: Mapping[Cut, tuple[Value | None, ...]]
    targets: tuple[Decimal | None, ...]
    shift: tuple[int, ...]
    band: Band | None  # what was to be expected of the newest week or month

    @property
    def total(self) -> tuple[Value | None, ...]:
        return self.values[TOTAL]


@dataclass(frozen=True)
class SourceState:
    """A source with the last day of which everything is known."""

    source: str
    title: str
    last_complete_day: date | None
    days_behind: int | None  # the newest day that is over; None when there never was a complete day
    loaded_at: datetime | None


@dataclass(frozen=True)
class Cockpit:
    """Everything a cockpit shows, before any word of it is written."""

    request: CockpitRequest
    kpis: Mapping[str, Kpi]  # in the reader's order
    grains: tuple[Grain, ...]
    spans: Mapping[str, tuple[Span, ...]]  # by grain, each place's days
    series: Mapping[str, Mapping[str, Series]]  # by grain and KPI
    others: Mapping[tuple[str, str], int]  # by KPI and dimension, how many segments are not listed
    progress: Mapping[str, Progress]  # the month so far of flows with a target
    signals: tuple[Signal, ...]  # of the seven days that end with the newest one
    watched: Mapping[str, Watched]
    cohorts: tuple[Cohort, ...]
    answers: tuple[Answer, ...]
    sources: tuple[SourceState, ...]

    @property
    def not_connected(self) -> tuple[str, ...]:
        """KPIs of which nothing is known at all, now or before."""
        return tuple(
            key
            for key in self.kpis
            if all(
                value is None or value.value is None
                for grain in self.grains
                for values in self.series[grain.key][key].values.values()
                for value in values
            )
        )

    @property
    def late_sources(self) -> tuple[SourceState, ...]:
        return tuple(source for source in self.sources if source.days_behind != 0)
