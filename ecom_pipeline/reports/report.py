"""What a report says, in numbers only: one set that every language and medium is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel

from ecom_pipeline.insights.actions import Beyond, FollowUp, Shown
from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.drivers import Drivers, as_decimal
from ecom_pipeline.insights.formulas import Piece
from ecom_pipeline.insights.profit_bridge import BridgeStep
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline.insights.signals import Signal
from ecom_pipeline.insights.targets import Attainment, Progress, Target
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State, Value
from ecom_pipeline.periods import ReportPeriod
from ecom_pipeline.reports.audience import Audience


@dataclass(frozen=True)
class ChangedFigure:
    """A KPI's value as it was sent and as it is now; None where there was or is none."""

    kpi: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class Correction:
    """What a corrected report replaces: the one computed at `sent_at` (UTC), and what has changed since."""

    sent_at: datetime
    changes: tuple[ChangedFigure, ...]


@dataclass(frozen=True)
class Told:
    """The report its readers had before this one: up to which day it told, and when it was computed (UTC)."""

    last_day: date
    computed_at: datetime


@dataclass(frozen=True)
class ReportRequest:
    """Which week or month is reported, to whom, against which targets. `generated_at` is UTC."""

    shop_name: str
    currency: str
    period: ReportPeriod
    audience: Audience
    targets: Mapping[str, tuple[Target, ...]]
    minimum_coverage: Decimal
    generated_at: datetime
    shown: tuple[Shown, ...] = ()  # decisions that reports of earlier periods showed
    corrects: Correction | None = None  # set when this report replaces one that was sent
    told: Told | None = None  # None: the readers had none, or it is too long ago


@dataclass(frozen=True)
class Figure:
    """One KPI's period in total. `history` are the periods ending with it, oldest first, gaps as None."""

    kpi: str
    period: ReportPeriod  # an earlier one for KPIs whose newest days are too young to be judged
    current: Value
    previous: Value
    previous_year: Value
    history: tuple[Decimal | None, ...]
    band: Band | None
    target: Decimal | None
    progress: Progress | None = None  # of a flow with a target: a week's month so far, a month's year so far


@dataclass(frozen=True)
class Explanation:
    """What drove a KPI, compared with the period before or, of a week, with the mean of the four before."""

    kpi: str
    basis: Literal["before", "four_weeks"]
    drivers: Drivers


@dataclass(frozen=True)
class FormulaChange:
    """A KPI's change from the period before, by the parts of its formula."""

    kpi: str
    whole: Piece


@dataclass(frozen=True)
class Decision:
    """A signal with what drove it; the words for what to do stand in the KPI's definition."""

    signal: Signal
    explanation: Explanation | None
    worth: Decimal | None = None  # money a period that the signal costs, where it can be told
    beyond: Beyond | None = None  # of a limit or target: the segment with most of what is beyond it


@dataclass(frozen=True)
class Channel:
    """One channel's marketing figures; None for the row of all channels."""

    channel: str | None
    values: Mapping[str, Value]


@dataclass(frozen=True)
class SegmentLine:
    """One segment of a breakdown; `segment` None sums the segments that are not listed."""

    segment: str | None
    current: Decimal | None
    previous: Decimal | None
    previous_year: Decimal | None


@dataclass(frozen=True)
class Breakdown:
    """A flow KPI of the period by one of its dimensions, largest first."""

    kpi: str
    dimension: str
    lines: tuple[SegmentLine, ...]
    others: int  # how many segments the last line sums, 0 when all are listed


@dataclass(frozen=True)
class Section:
    """A family of KPIs with where its leading figure comes from."""

    family: str
    kpis: tuple[str, ...]
    breakdowns: tuple[Breakdown, ...]


@dataclass(frozen=True)
class Restatement:
    """A KPI whose already reported days changed: its value over just those days, before and after.

    `causes` are the sources whose rows came late, or `ecom.toml`, `definition`, `calculation`; `changed_at` is UTC.
    """

    kpi: str
    days: int
    first_day: date
    last_day: date
    before: Decimal
    after: Decimal
    causes: tuple[str, ...]
    changed_at: datetime


@dataclass(frozen=True)
class SourceDays:
    """How a source fared on the period's days."""

    source: str
    title: str
    missing_days: tuple[date, ...]
    days_on_time: int
    loaded_at: datetime | None


@dataclass(frozen=True)
class MissingKpi:
    """A KPI that should be there and is not. `reason` as the engine recorded it."""

    kpi: str
    reason: str | None


@dataclass(frozen=True)
class Incomplete:
    """What the report lacks. Empty when the period is whole."""

    sources: tuple[SourceDays, ...]
    kpis: tuple[MissingKpi, ...]

    def __bool__(self) -> bool:
        return bool(self.sources or self.kpis)


@dataclass(frozen=True)
class Quality:
    """How far the numbers can be trusted."""

    sources: tuple[SourceDays, ...]
    coverage: tuple[tuple[str, Decimal], ...]  # KPIs measured on part of their base only
    not_connected: tuple[str, ...]  # KPIs no source has ever fed
    versions: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Report:
    """Everything one report says, before any word of it is written.

    `figures` are all KPIs', because what a signal is worth may rest on one the audience does not read; what it
    reads is `request.audience.kpis`.
    """

    request: ReportRequest
    definitions: Mapping[str, Kpi]
    figures: Mapping[str, Figure]
    headline: Signal | None
    explanation: Explanation | None
    formulas: tuple[FormulaChange, ...]  # of the explained KPI and of LTV by CAC, where their parts make them
    bridge: tuple[BridgeStep, ...] | None  # None when the audience does not read it
    channels: tuple[Channel, ...] | None
    decisions: tuple[Decision, ...]
    followed: tuple[FollowUp, ...]  # what became of the decisions of the periods before
    attainment: tuple[Attainment, ...]  # of targets: all, then by family; empty without targets
    sections: tuple[Section, ...]
    answers: tuple[Answer, ...]  # to the questions people decide by
    restatements: tuple[Restatement, ...]
    restated_kpis: int
    quality: Quality
    incomplete: Incomplete

    @property
    def period(self) -> ReportPeriod:
        return self.request.period

    @property
    def audience(self) -> Audience:
        return self.request.audience

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of this period nor of any before it, as before the shop's history starts."""
        return all(
            figure.current.state is State.NO_HISTORY and not any(one is not None for one in figure.history)
            for figure in self.figures.values()
        )

    def to_json(self) -> str:
        """All numbers as JSON, decimals as text so that no digit is lost."""
        return json.dumps(_plain(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(thing: Any) -> Any:
    if isinstance(thing, BaseModel):
        return thing.model_dump(mode="json", exclude={"sql"})
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: _plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_plain(one) for one in thing]
    if isinstance(thing, Fraction):
        return str(as_decimal(thing))
    return str(thing) if isinstance(thing, Decimal | date) else thing
