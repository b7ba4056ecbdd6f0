"""Gathers what is known about one KPI, from its file, the graph of queries and the published values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.insights.targets import Progress, Span
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import Period, PeriodValue, State, read_period_values
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import shop_targets
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.notes import write_notes
from ecom_pipeline.reports.reading import read_progress
from ecom_pipeline.reports.words import load_words
from ecom_pipeline.settings_targets import TargetSettings
from ecom_pipeline.warehouse.catalog import Catalog, canonical_tables
from ecom_pipeline.warehouse.connection import open_published
from ecom_pipeline.warehouse.rows import fetch_row

DAYS_SHOWN, WEEKS_SHOWN = 7, 8


@dataclass(frozen=True)
class Input:
    """Something a query reads, and what that is made of: vendor tables at the ends."""

    name: str
    kind: str  # model, canonical, vendor_table, configuration, ledger
    description: str
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """How sure a fitted value is: its likely range, and what the same method foretold earlier."""

    low: Decimal
    high: Decimal
    foretold: Decimal | None
    happened: int | None


@dataclass(frozen=True)
class Explanation:
    """One KPI with its inputs and its last values, newest first; no values before the first run."""

    kpi: Kpi
    inputs: tuple[Input, ...]
    days: tuple[PeriodValue, ...]
    weeks: tuple[PeriodValue, ...]
    targets: tuple[TargetSettings, ...]
    formats: Formats
    estimate: Estimate | None = None
    progress: Mapping[Span, Progress] = field(default_factory=dict)

    def show(self, amount: Decimal | None) -> str:
        """An amount in the KPI's unit."""
        return "–" if amount is None else self.formats.value(self.kpi, amount)

    def notes(self, one: PeriodValue) -> list[str]:
        """What to know about a value before using it."""
        if one.current.state not in (State.OK, State.UNDEFINED):
            return []
        return write_notes(load_words("en"), self.formats, self.kpi, one.current)

    @property
    def goals(self) -> tuple[str, ...]:
        """The shop's own targets, in words."""
        return tuple(self._goal(one) for one in self.targets)

    def _goal(self, target: TargetSettings) -> str:
        if target.value is not None:
            words = self.formats.limit(self.kpi, target.value)
        else:
            words = ", ".join(
                f"{self.formats.limit(self.kpi, amount)} a {span}" for span, amount in target.amounts.items()
            )
        since = f" from {target.from_day}" if target.from_day else ""
        return words + since + (f" to {target.to_day}" if target.to_day else "")

    @property
    def standings(self) -> dict[Span, str]:
        """Where a flow's current week, month, quarter or year stands against its target, as far as that can be said."""
        return {
            span: self._standing(one) for span, one in self.progress.items() if one.attainment is not None
        }

    def _standing(self, one: Progress) -> str:
        assert one.attainment is not None
        words = (
            f"{self.show(one.actual)} by {one.until}, {self.formats.percent(one.attainment)} of the "
            f"{self.show(one.due)} due by then"
        )
        if one.forecast is None or one.expected_attainment is None:
            return words
        return (
            f"{words}; {self.show(one.forecast)} expected by {one.last_day}, "
            f"{self.formats.percent(one.expected_attainment)} of {self.show(one.target)} (each day to come as the "
            "same weekday was in the last four complete weeks)"
        )

    @property
    def reference(self) -> str:
        """The field's limit or usual value, in words."""
        reference = self.kpi.reference
        if reference is None:
            return ""
        if reference.between is not None:
            low, high = (self.formats.limit(self.kpi, edge) for edge in reference.between)
            return f"between {low} and {high}"
        kinds = (
            ("at least", reference.at_least),
            ("at most", reference.at_most),
            ("around", reference.around),
        )
        return next(
            (f"{words} {self.formats.limit(self.kpi, edge)}" for words, edge in kinds if edge is not None), ""
        )


def explain_kpi(pipeline: Pipeline, kpi: Kpi) -> Explanation:
    """Everything there is to say about a KPI; works before anything was read."""
    days, weeks = _last_values(pipeline, kpi)
    settings = pipeline.settings
    inputs = pipeline.catalog.by_name[f"kpi.{kpi.key}"].inputs
    fitted = [name for name in inputs if (node := pipeline.catalog.by_name.get(name)) and node.computed_by]
    return Explanation(
        kpi,
        inputs_of(pipeline.catalog, f"kpi.{kpi.key}"),
        days,
        weeks,
        settings.targets.get(kpi.key, ()),
        Formats("en", settings.shop.currency),
        _last_estimate(pipeline, fitted[0]) if fitted and days else None,
        _progress(pipeline, kpi),
    )


def _progress(pipeline: Pipeline, kpi: Kpi) -> dict[Span, Progress]:
    """Of a flow with a target, in the month of its newest day and the other periods its targets name.

    Empty before the first run.
    """
    settings = pipeline.settings
    targets = shop_targets(settings).get(kpi.key, ())
    if kpi.kind is not Kind.FLOW or not targets or not settings.published_file.is_file():
        return {}
    named = {Span.MONTH}.union(*(one.amounts for one in targets))
    with open_published(settings.published_file) as connection:
        row = fetch_row(connection, "SELECT MAX(day) FROM kpi.days WHERE kpi = ?", [kpi.key])
        if row is None or row[0] is None:
            return {}
        read = {span: read_progress(connection, kpi, targets, span, row[0]) for span in Span if span in named}
    return {span: one for span, one in read.items() if one is not None}


def inputs_of(catalog: Catalog, name: str) -> tuple[Input, ...]:
    """What a model or KPI reads, down to the vendors' tables."""
    return tuple(_input(catalog, dependency) for dependency in catalog.by_name[name].inputs)


def _input(catalog: Catalog, name: str) -> Input:
    schema, table = name.split(".")
    if schema == "model":
        return Input(name, "model", catalog.by_name[name].description, inputs_of(catalog, name))
    if schema == "mapped":
        tables = tuple(
            Input(
                f"{stream.source}.{stream.table.name}",
                "vendor_table",
                f"{stream.vendor}: {stream.table.grain}",
            )
            for stream in catalog.feeding(table)
        )
        fed = "" if tables else " (no source feeds it)"
        return Input(name, "canonical", canonical_tables()[table].grain + fed, tables)
    if schema == "config":
        return Input(name, "configuration", "from ecom.toml")
    return Input(name, "ledger", "the pipeline's own record")


def _last_estimate(pipeline: Pipeline, model: str) -> Estimate | None:
    """Of the newest day a fitted model has a value for, per customer as the KPI is; None before the first."""
    with open_published(pipeline.settings.published_file) as connection:
        row = fetch_row(
            connection,
            f"SELECT low / customers, high / customers, foretold, happened FROM {model} "
            "WHERE dimension = 'total' AND customers > 0 ORDER BY day DESC LIMIT 1",
        )
    if row is None:
        return None
    low, high = (Decimal(repr(float(edge))) for edge in row[:2])
    return Estimate(low, high, row[2], row[3])


def _last_values(pipeline: Pipeline, kpi: Kpi) -> tuple[tuple[PeriodValue, ...], tuple[PeriodValue, ...]]:
    settings = pipeline.settings
    if not settings.published_file.is_file():
        return (), ()
    with open_published(settings.published_file) as connection:
        row = fetch_row(connection, "SELECT MAX(day) FROM kpi.days WHERE kpi = ?", [kpi.key])
        newest: date | None = row[0] if row else None
        if newest is None:
            return (), ()
        sunday = newest - timedelta(days=newest.isoweekday() % 7)
        asked = (
            (Period.DAY, [newest - timedelta(days=back) for back in range(DAYS_SHOWN)]),
            (Period.WEEK, [sunday - timedelta(weeks=back) for back in range(WEEKS_SHOWN)]),
        )
        coverage = settings.shop.minimum_coverage
        days, weeks = (
            tuple(
                value
                for value in read_period_values(connection, [kpi], period, last_days, coverage)
                if value.dimension == "total"
            )
            for period, last_days in asked
        )
    return days, weeks
