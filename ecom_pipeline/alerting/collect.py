"""Making alerts: of a day, once it is computed and published, and of a run, once it has ended.

Nothing is told twice: each thing an alert can tell has a topic, and the alert box remembers when it was told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ecom_pipeline.alerting.sending import open_box, plan
from ecom_pipeline.alerting.words import Wording
from ecom_pipeline.delivery import (
    Alert,
    AlertBox,
    AlertCheck,
    AlertFigure,
    AlertKind,
    AlertRun,
    AlertSignal,
    AlertWords,
)
from ecom_pipeline.insights.actions import edge_of
from ecom_pipeline.insights.signals import Signal
from ecom_pipeline.insights.watch import Watched, choose_watched, read_watched
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import shop_targets
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.warehouse.connection import open_published

MOST_SIGNALS = 5
NOT_AGAIN_FOR = timedelta(days=7)  # the rolling week holds the same days that long
ALWAYS_TOLD = "net_sales"


@dataclass(frozen=True)
class DayAlerts:
    """The alerts a day gave rise to, by id, or why none was looked for."""

    day: date
    made: tuple[str, ...] = ()
    not_made_because: str = ""


@dataclass(frozen=True)
class RunFindings:
    """What a run that has ended shows of failures: `run` when it failed itself."""

    run_id: str
    run: AlertRun | None = None
    stale: tuple[AlertCheck, ...] = ()  # the newest complete day is not there
    failed: tuple[AlertCheck, ...] = ()


def record_day(pipeline: Pipeline, day: date) -> DayAlerts:
    """Make the alerts of the newest complete day from the published copy: its figures, and what is new.

    A day of the past gives rise to none. Calling it again adds only signals that were not told yet.

    Raises:
        EcomError: nothing has been published yet, or the key of the delivery ledger is missing.
    """
    newest = pipeline.newest_day()
    if day != newest:
        return DayAlerts(day, not_made_because=f"the newest complete day is {newest}")
    watched, signals = _read_day(pipeline, day)
    topics = {f"signals/{one.kpi}/{one.cause}": one for one in signals}
    maker = _Maker(pipeline, day)
    with open_box(pipeline.settings) as box:
        with box.transaction():
            told = box.find_told(topics, _since(day))
            lines = [
                _signal(pipeline, one, watched[one.kpi], is_new=topic not in told)
                for topic, one in topics.items()
            ]
            made = maker.add_daily(box, [watched[key] for key in _figures_of(pipeline)], lines)
            new = [topic for topic in topics if topic not in told]
            if new:
                made += maker.add_signals(box, new, [line for line in lines if line.is_new])
        plan(pipeline, box)
    return DayAlerts(day, tuple(made))


def make_sample(pipeline: Pipeline) -> Alert:
    """The newest day's figures as an alert of its own, to set up what a receiver does with them.

    Raises:
        EcomError: nothing has been published yet.
    """
    day = pipeline.newest_day()
    watched, signals = _read_day(pipeline, day)
    lines = [_signal(pipeline, one, watched[one.kpi], is_new=True) for one in signals]
    identity = f"sample/{pipeline.clock():%Y-%m-%d/%H%M%S}"
    return _Maker(pipeline, day).make_daily(identity, [watched[key] for key in _figures_of(pipeline)], lines)


def record_run(pipeline: Pipeline, findings: RunFindings) -> tuple[str, ...]:
    """Make the alerts of a run that has ended.

    Missing data is told once for each day it is missing of; any other failed check again after seven days.

    Raises:
        EcomError: the key of the delivery ledger is missing.
    """
    day = pipeline.newest_day()
    maker = _Maker(pipeline, day)
    with open_box(pipeline.settings) as box:
        with box.transaction():
            made = maker.add_stale(box, findings) + maker.add_failures(box, findings)
        plan(pipeline, box)
    return tuple(made)


class _Maker:
    """Makes one day's alerts and puts them into the box; each method returns the ids it made."""

    def __init__(self, pipeline: Pipeline, day: date) -> None:
        self._pipeline = pipeline
        self._day = day
        shop = pipeline.settings.shop
        self._formats = [Formats(one, shop.currency) for one in pipeline.settings.report.languages]

    def add_daily(self, box: AlertBox, figures: list[Watched], signals: list[AlertSignal]) -> list[str]:
        topic = f"daily/{self._day}"
        if box.find_told([topic], self._day):
            return []
        return _added(box, self.make_daily(topic, figures, signals), [topic])

    def make_daily(self, identity: str, figures: list[Watched], signals: list[AlertSignal]) -> Alert:
        words = self._write(lambda wording, day: wording.daily(day, figures))
        by_kpi = {one.kpi: self._figure(one) for one in figures}
        return self._alert(identity, "daily", words, figures=by_kpi, signals=tuple(signals))

    def add_signals(self, box: AlertBox, topics: list[str], signals: list[AlertSignal]) -> list[str]:
        words = self._write(lambda wording, day: wording.signals(day, signals))
        identity = f"signals/{self._day}/{_digest(topics)}"
        return _added(box, self._alert(identity, "signals", words, signals=tuple(signals)), topics)

    def add_stale(self, box: AlertBox, findings: RunFindings) -> list[str]:
        stale = self._untold(box, findings.stale, self._day)
        if not stale:
            return []
        checks = tuple(stale.values())
        words = self._write(lambda wording, day: wording.checks("freshness", day, checks))
        identity = f"freshness/{self._day}/{_digest(stale)}"
        return _added(box, self._alert(identity, "freshness", words, checks=checks), stale)

    def add_failures(self, box: AlertBox, findings: RunFindings) -> list[str]:
        failed, run = self._untold(box, findings.failed, _since(self._day)), findings.run
        topic = f"run/{findings.run_id}"
        if box.find_told([topic], date.min) or (run is None and not failed):
            return []
        checks = tuple(failed.values())

        def write(wording: Wording, day: str) -> AlertWords:
            return wording.run(run) if run is not None else wording.checks("failures", day, checks)

        alert = self._alert(
            f"failures/{findings.run_id}", "failures", self._write(write), checks=checks, run=run
        )
        return _added(box, alert, [topic, *failed])

    def _untold(self, box: AlertBox, checks: Iterable[AlertCheck], since: date) -> dict[str, AlertCheck]:
        topics = {f"check/{one.asset}/{one.check}": one for one in checks}
        told = box.find_told(topics, since)
        return {topic: one for topic, one in topics.items() if topic not in told}

    def _write(self, write: Callable[[Wording, str], AlertWords]) -> dict[str, AlertWords]:
        shop, kpis = self._pipeline.settings.shop.name, self._pipeline.kpis
        return {one.language: write(Wording(shop, one, kpis), one.day(self._day)) for one in self._formats}

    def _alert(
        self,
        identity: str,
        kind: AlertKind,
        words: dict[str, AlertWords],
        figures: Mapping[str, AlertFigure] | None = None,
        signals: tuple[AlertSignal, ...] = (),
        checks: tuple[AlertCheck, ...] = (),
        run: AlertRun | None = None,
    ) -> Alert:
        shop = self._pipeline.settings.shop
        return Alert(
            id=f"alert/{identity}", kind=kind, shop=shop.name, currency=shop.currency, day=self._day,
            created_at=self._pipeline.clock(), words=words, figures=dict(figures or {}), signals=signals, checks=checks,
            run=run,
        )  # fmt: skip

    def _figure(self, one: Watched) -> AlertFigure:
        band = one.band
        return AlertFigure(
            unit=self._pipeline.kpis[one.kpi].unit,
            day_value=one.day_value,
            week_value=one.week_value,
            week_before=one.week_before,
            usual_low=band.low if band else None,
            usual_high=band.high if band else None,
        )


def _read_day(pipeline: Pipeline, day: date) -> tuple[dict[str, Watched], list[Signal]]:
    settings, shown = pipeline.settings, _figures_of(pipeline)
    chosen = {key: kpi for key, kpi in pipeline.kpis.items() if kpi.action is not None or key in shown}
    with open_published(settings.published_file) as connection:
        watched = read_watched(
            connection, chosen, day, settings.report.essentials, shop_targets(settings),
            settings.shop.minimum_coverage,
        )  # fmt: skip
    return watched, choose_watched(chosen, watched, MOST_SIGNALS)


def _since(day: date) -> date:
    """What was told from this day on is not told again on the day."""
    return day - NOT_AGAIN_FOR + timedelta(days=1)


def _signal(pipeline: Pipeline, signal: Signal, one: Watched, *, is_new: bool) -> AlertSignal:
    assert one.week_value is not None, "what was not measured is no signal"
    return AlertSignal(
        kpi=signal.kpi,
        unit=pipeline.kpis[signal.kpi].unit,
        cause=signal.cause.value,
        value=one.week_value,
        limit=edge_of(signal, one.week_value, one.band),
        is_new=is_new,
    )


def _figures_of(pipeline: Pipeline) -> list[str]:
    """What the daily figures show: net sales, and what the shop chose to watch."""
    names = dict.fromkeys((ALWAYS_TOLD, *pipeline.settings.report.essentials))
    return [name for name in names if name in pipeline.kpis]


def _added(box: AlertBox, alert: Alert, topics: Iterable[str]) -> list[str]:
    box.add(alert, topics)
    return [alert.id]


def _digest(topics: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(topics)).encode()).hexdigest()[:12]
