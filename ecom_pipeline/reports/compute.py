"""Puts one report together from the KPI tables; nothing here knows a language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb

from ecom_pipeline.insights.actions import (
    Beyond,
    FollowUp,
    Shown,
    choose_decisions,
    edge_of,
    find_beyond,
    follow_up,
    period_worth,
)
from ecom_pipeline.insights.drivers import Parts, choose_drivers, compute_drivers
from ecom_pipeline.insights.formula_reading import read_formula
from ecom_pipeline.insights.profit_bridge import compute_profit_bridge
from ecom_pipeline.insights.questions.question import answer_all
from ecom_pipeline.insights.signals import (
    STEERING,
    Signal,
    choose_signals,
    compute_limit,
    compute_missed,
    compute_unusual,
    is_worse,
)
from ecom_pipeline.insights.targets import compute_attainment
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import TOTAL, State, Value
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.reports.audience import Audience
from ecom_pipeline.reports.breakdowns import CHANNEL_KPIS, choose_channels, choose_sections
from ecom_pipeline.reports.quality import find_incomplete, read_restatements, read_sources, summarise_quality
from ecom_pipeline.reports.reading import Readings, read_figures, read_four_weeks_before
from ecom_pipeline.reports.report import (
    Decision,
    Explanation,
    Figure,
    FormulaChange,
    Report,
    ReportRequest,
)

MOST_DECISIONS = MOST_FOLLOWED = 3
MOST_RESTATEMENTS = 12
LIFETIME_BY_COST = "ltv_to_cac"
BRIDGED = {"net_sales", "contribution_margin"}  # who reads both is shown the way from one to the other


def compute_report(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], request: ReportRequest
) -> Report:
    """Everything the report of a week or a month says to its audience.

    Reads `kpi.daily`, `kpi.days`, `kpi.restatements`, `ops.sources`, `ops.source_days` and what questions read.
    """
    audience = request.audience
    readings = read_figures(connection, kpis, request)
    figures = {key: readings.figures[key] for key in kpis}
    headline = _headline(kpis, figures, audience)
    explanation = _explain_first(connection, kpis, readings, headline, request)
    sources = read_sources(connection, request.period)
    restatements = read_restatements(connection, kpis, request)
    return Report(
        request=request,
        definitions=dict(kpis),
        figures=figures,
        headline=headline,
        explanation=explanation,
        formulas=_take_apart(connection, kpis, figures, explanation, request),
        bridge=compute_profit_bridge({key: figure.current for key, figure in figures.items()})
        if set(audience.kpis) >= BRIDGED
        else None,
        channels=choose_channels(readings) if set(CHANNEL_KPIS) & set(audience.kpis) else None,
        decisions=_decisions(connection, kpis, readings, request),
        followed=_follow(kpis, figures, request),
        attainment=compute_attainment(
            kpis, {key: (figures[key].current.value, figures[key].target) for key in audience.kpis}
        ),
        sections=choose_sections(kpis, audience.kpis, readings),
        answers=answer_all(connection, request.period.last_day, audience.questions),
        restatements=tuple(restatements[:MOST_RESTATEMENTS]),
        restated_kpis=len(restatements),
        quality=summarise_quality(sources, kpis, figures, audience.kpis),
        incomplete=find_incomplete(sources, figures, audience.kpis),
    )


def shown_decisions(report: Report) -> list[Shown]:
    """The report's decisions as later reports need them."""
    found = []
    for decision in report.decisions:
        signal, figure = decision.signal, report.figures[decision.signal.kpi]
        assert figure.current.value is not None
        edge = edge_of(signal, figure.current.value, figure.band)
        found.append(
            Shown(
                report.period.last_day,
                signal.kpi,
                signal.cause,
                figure.period.last_day,
                figure.current.value,
                edge,
            )
        )
    return found


def _headline(kpis: Mapping[str, Kpi], figures: Mapping[str, Figure], audience: Audience) -> Signal | None:
    # What the reader chose to watch comes first; only when all of that is usual do other KPIs speak.
    others = [key for key in audience.kpis if kpis[key].action is not None or key == "net_sales"]
    for keys, first in ((audience.essentials, ()), (others, STEERING)):
        unusual = [compute_unusual(kpis[key], figures[key].current.value, figures[key].band) for key in keys]
        chosen = choose_signals([one for one in unusual if one is not None], 1, first)
        if chosen:
            return chosen[0]
    return None


def _decisions(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], readings: Readings, request: ReportRequest
) -> tuple[Decision, ...]:
    signals: list[Signal | None] = []
    for key in request.audience.kpis:
        kpi = kpis[key]
        if kpi.action is not None:
            figure = readings.figures[key]
            signals.append(compute_unusual(kpi, figure.current.value, figure.band))
            signals.append(compute_limit(kpi, figure.current.against_limits(kpi)))
            signals.append(compute_missed(kpi, figure.current.value, figure.target))
    values = {key: figure.current for key, figure in readings.figures.items()}
    found = choose_signals([signal for signal in signals if signal is not None], len(kpis), STEERING)
    worths = {one.kpi: period_worth(one, values, readings.figures[one.kpi].band) for one in found}
    return tuple(
        Decision(
            one,
            explain(connection, kpis[one.kpi], readings, request),
            worths[one.kpi],
            _beyond(kpis[one.kpi], one, readings),
        )
        for one in choose_decisions(found, worths, MOST_DECISIONS)
    )


def _beyond(kpi: Kpi, signal: Signal, readings: Readings) -> Beyond | None:
    """Of a limit or target that was crossed: where most of it was. What moved since last week is another matter."""
    if signal.limit is None or kpi.kind is Kind.FLOW:
        return None
    cuts = readings.segments.get(kpi.key, {})
    return find_beyond(
        kpi, signal.limit, {name: [(one.segment, one.current) for one in some] for name, some in cuts.items()}
    )


def _follow(
    kpis: Mapping[str, Kpi], figures: Mapping[str, Figure], request: ReportRequest
) -> tuple[FollowUp, ...]:
    """The last showing of each KPI: what recovered in this period first, then what was shown most recently."""
    newest = {one.kpi: one for one in sorted(request.shown, key=lambda one: one.last_day)}
    found = [
        follow_up(kpis[key], one, _history_of(figures[key])) for key, one in newest.items() if key in figures
    ]
    found.sort(key=lambda one: one.shown.last_day, reverse=True)
    found.sort(key=lambda one: one.since is None or one.since != figures[one.shown.kpi].period.last_day)
    return tuple(found[:MOST_FOLLOWED])


def _history_of(figure: Figure) -> dict[date, Decimal | None]:
    found, period = {}, figure.period
    for value in reversed(figure.history):
        found[period.last_day] = value
        period = period.back(1)
    return found


def _explain_first(
    connection: duckdb.DuckDBPyConnection,
    kpis: Mapping[str, Kpi],
    readings: Readings,
    headline: Signal | None,
    request: ReportRequest,
) -> Explanation | None:
    """What drove the headline; without one, or when it cannot be split, net sales or else the first essential."""
    for key in (headline.kpi if headline else None, "net_sales", *request.audience.essentials[:1]):
        if key is not None and key in request.audience.kpis:
            explanation = explain(connection, kpis[key], readings, request)
            if explanation is not None:
                return explanation
    return None


def _take_apart(
    connection: duckdb.DuckDBPyConnection,
    kpis: Mapping[str, Kpi],
    figures: Mapping[str, Figure],
    explanation: Explanation | None,
    request: ReportRequest,
) -> tuple[FormulaChange, ...]:
    """What the explained KPI is made of and, where the audience reads it, what moved LTV by CAC."""
    keys = [explanation.kpi] if explanation else []
    found = []
    for key in dict.fromkeys([*keys, *({LIFETIME_BY_COST} & set(request.audience.kpis))]):
        period = figures[key].period
        last_days = (period.back(1).last_day, period.last_day)
        whole = read_formula(connection, kpis, key, period.rhythm.period, last_days, request.minimum_coverage)
        if whole is not None and whole.pieces:
            found.append(FormulaChange(key, whole))
    return tuple(found)


def explain(
    connection: duckdb.DuckDBPyConnection, kpi: Kpi, readings: Readings, request: ReportRequest
) -> Explanation | None:
    """Split the KPI's change by the dimension that says most; None when no dimension adds up to it."""
    figure = readings.figures[kpi.key]
    if figure.current.state is not State.OK:
        return None
    after = {TOTAL: figure.current} | _slot(readings, kpi.key, "current")
    before = {TOTAL: figure.previous} | _slot(readings, kpi.key, "previous")
    weeks = 1
    if request.period.rhythm is Rhythm.WEEKLY and _began_earlier(kpi, figure):
        before, weeks = read_four_weeks_before(connection, kpi, figure, request), 4
    if before[TOTAL].state is not State.OK:
        return None
    candidates = [
        compute_drivers(
            dimension,
            _parts(before, dimension, weeks),
            _parts(after, dimension, 1),
            _total_parts(before[TOTAL], weeks),
            _total_parts(after[TOTAL], 1),
        )
        for dimension in readings.segments.get(kpi.key, {})
    ]
    drivers = choose_drivers(candidates)
    return Explanation(kpi.key, "four_weeks" if weeks == 4 else "before", drivers) if drivers else None


def _began_earlier(kpi: Kpi, figure: Figure) -> bool:
    """Whether the week before was already out of the ordinary, so that comparing with it explains nothing."""
    now, before, band = figure.current.value, figure.previous.value, figure.band
    if kpi.kind not in (Kind.FLOW, Kind.RATIO) or now is None or before is None or band is None:
        return False
    return is_worse(kpi, now, band.middle) and abs(now - before) * 2 < abs(now - band.middle)


def _slot(readings: Readings, key: str, slot: str) -> dict[tuple[str, str], Value]:
    return {
        (value.dimension, value.segment): getattr(value, slot)
        for values in readings.segments.get(key, {}).values()
        for value in values
    }


def _parts(values: Mapping[tuple[str, str], Value], dimension: str, weeks: int) -> dict[str, Parts]:
    return {
        cut[1]: _total_parts(value, weeks)
        for cut, value in values.items()
        if cut[0] == dimension and value.numerator is not None
    }


def _total_parts(value: Value, weeks: int) -> Parts:
    denominator = Fraction(value.denominator) / weeks if value.denominator is not None else None
    return Parts(Fraction(value.numerator or Decimal(0)) / weeks, denominator)
