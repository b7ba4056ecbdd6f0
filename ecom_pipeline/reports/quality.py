"""How far a period's numbers can be trusted: what is missing, what was late, what changed afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import duckdb

from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import State
from ecom_pipeline.periods import ReportPeriod
from ecom_pipeline.reports.report import (
    Figure,
    Incomplete,
    MissingKpi,
    Quality,
    ReportRequest,
    Restatement,
    SourceDays,
    Told,
)


def read_sources(connection: duckdb.DuckDBPyConnection, period: ReportPeriod) -> tuple[SourceDays, ...]:
    """Every source in use and its days of the period; a day nobody recorded was never loaded."""
    titles = dict(connection.execute("SELECT source, title FROM ops.sources ORDER BY source").fetchall())
    rows = connection.execute(
        "SELECT source, day, is_complete, is_on_time, loaded_at FROM ops.source_days WHERE day BETWEEN ? AND ?",
        [period.first_day, period.last_day],
    ).fetchall()
    by_source: dict[str, dict[date, tuple[bool, bool]]] = defaultdict(dict)
    loaded: dict[str, datetime] = {}
    for source, day, is_complete, is_on_time, loaded_at in rows:
        by_source[source][day] = (bool(is_complete), bool(is_on_time))
        if loaded_at is not None:
            loaded[source] = max(loaded_at, loaded.get(source, loaded_at))
    days = [period.first_day + timedelta(days=index) for index in range(period.days)]
    return tuple(
        SourceDays(
            source,
            title,
            tuple(day for day in days if not by_source[source].get(day, (False, False))[0]),
            sum(all(by_source[source].get(day, (False, False))) for day in days),
            loaded.get(source),
        )
        for source, title in titles.items()
    )


def find_incomplete(
    sources: tuple[SourceDays, ...], figures: Mapping[str, Figure], read: Collection[str]
) -> Incomplete:
    """What readers of these KPIs should have in this period and do not.

    A KPI nobody ever fed is not missing, it is not connected. Who reads everything is told of every source that
    lacks days, others only of those their own KPIs are missing for.
    """
    lacking = tuple(source for source in sources if source.missing_days)
    missing = tuple(
        MissingKpi(key, figures[key].current.reason)
        for key in read
        if figures[key].current.state is State.MISSING and _is_connected(figures[key], lacking)
    )
    if set(read) >= set(figures):
        return Incomplete(lacking, missing)
    reasons = " ".join(one.reason or "" for one in missing)
    return Incomplete(tuple(one for one in lacking if f"{one.source}: " in reasons), missing)


def summarise_quality(
    sources: tuple[SourceDays, ...],
    kpis: Mapping[str, Kpi],
    figures: Mapping[str, Figure],
    read: Collection[str],
) -> Quality:
    """What the last page says about the numbers of the pages before."""
    return Quality(
        sources,
        tuple((key, coverage) for key in read if (coverage := figures[key].current.coverage) is not None),
        tuple(
            key
            for key in read
            if figures[key].current.state is State.MISSING and not _is_connected(figures[key], sources)
        ),
        tuple((key, kpis[key].since) for key in read),
    )


def read_restatements(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], request: ReportRequest
) -> list[Restatement]:
    """Days already told that changed since, largest relative change first.

    Since the readers' last report was computed, of the days it told; where none was sent, as if it had been one
    period earlier. A flow or ratio without a row was nothing, so what came or went there changed it too.
    """
    told = request.told or Told(
        request.period.back(1).last_day, request.generated_at - timedelta(days=request.period.days)
    )
    rows = connection.execute(
        """
        SELECT kpi, day,
               ARG_MIN_NULL(numerator_before, changed_at), ARG_MIN_NULL(denominator_before, changed_at),
               ARG_MAX_NULL(numerator_after, changed_at), ARG_MAX_NULL(denominator_after, changed_at),
               STRING_AGG(DISTINCT cause, ', '), MAX(changed_at)
        FROM kpi.restatements
        WHERE dimension = 'total' AND day <= ? AND changed_at > ? AND changed_at <= ?
        GROUP BY kpi, day
        ORDER BY kpi, day
        """,
        [
            told.last_day,
            told.computed_at.astimezone(UTC).replace(tzinfo=None),
            request.generated_at.astimezone(UTC).replace(tzinfo=None),
        ],
    ).fetchall()
    by_kpi: dict[str, list[_RestatedDay]] = defaultdict(list)
    for kpi, *day in rows:
        if kpi in request.audience.kpis:
            by_kpi[kpi].append(_RestatedDay(*day))
    found = [_restatement(kpis[key], days) for key, days in by_kpi.items()]
    changed = [one for one in found if one is not None and one.before != one.after]
    return sorted(changed, key=lambda one: (-_relative(one.before, one.after), one.kpi))


class _RestatedDay(NamedTuple):
    day: date
    before: Decimal | None
    base_before: Decimal | None
    after: Decimal | None
    base_after: Decimal | None
    causes: str | None
    changed_at: datetime


def _restatement(kpi: Kpi, days: list[_RestatedDay]) -> Restatement | None:
    # A stock or a window tells one day, not a sum of days.
    counted = days if kpi.kind in (Kind.FLOW, Kind.RATIO) else days[-1:]
    before = _value(kpi, [(day.before, day.base_before) for day in counted])
    after = _value(kpi, [(day.after, day.base_after) for day in counted])
    if before is None or after is None:
        return None
    causes = sorted({cause for day in counted for cause in (day.causes or "").split(", ") if cause})
    return Restatement(
        kpi.key, len(days), counted[0].day, counted[-1].day, before, after, tuple(causes),
        max(day.changed_at for day in counted),
    )  # fmt: skip


def _value(kpi: Kpi, parts: list[tuple[Decimal | None, Decimal | None]]) -> Decimal | None:
    if kpi.cuts_itself and any(part[0] is None for part in parts):
        return None
    numerator = sum((part[0] or Decimal(0) for part in parts), Decimal(0))
    if kpi.kind is Kind.FLOW or (kpi.cuts_itself and all(part[1] is None for part in parts)):
        return numerator
    denominator = sum((part[1] or Decimal(0) for part in parts), Decimal(0))
    return numerator / denominator if denominator else None


def _relative(before: Decimal, after: Decimal) -> Decimal:
    return abs(after - before) / abs(before) if before else abs(after)


def _is_connected(figure: Figure, sources: tuple[SourceDays, ...]) -> bool:
    """Whether something feeds the KPI: it was known once, or one of the sources is named as the reason."""
    reason = figure.current.reason or ""
    return any(one is not None for one in figure.history) or any(
        f"{source.source}: " in reason for source in sources
    )
