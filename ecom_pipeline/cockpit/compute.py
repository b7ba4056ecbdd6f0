"""Puts a cockpit together from the tables readers have; nothing here knows a language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import duckdb

from ecom_pipeline.cockpit.cockpit import Cockpit, CockpitRequest, SourceState
from ecom_pipeline.cockpit.periods import GRAINS, last_days, place_spans
from ecom_pipeline.cockpit.reading import read_grain, small_copies
from ecom_pipeline.insights.questions.question import answer_all
from ecom_pipeline.insights.targets import SHAPE_DAYS, Progress, Span, compute_progress
from ecom_pipeline.insights.watch import choose_watched, read_watched
from ecom_pipeline.kpis.cohorts import Cohort, read_cohorts
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, read_period_values

MOST_SIGNALS = 8
MOST_COHORTS = 13  # a year and its month; older ones have told what they had to tell
COHORT_READERS = ("repeat_purchase_rate", "churn_rate", "lifetime_value", "ltv_to_cac")


def compute_cockpit(
    connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi], request: CockpitRequest
) -> Cockpit:
    """Everything the cockpit of the audience shows as of the newest complete day.

    Reads `kpi.daily`, `kpi.days`, `ops.sources`, `ops.source_days`, `model.cohort_months` with
    `model.cohort_paybacks` where they are there, and what questions read.
    """
    chosen = {key: kpis[key] for key in request.audience.kpis if key in kpis}
    members, day = list(chosen.values()), request.newest_day
    with small_copies(connection, members, day) as (totals, cuts, others):
        series = {
            grain.key: read_grain(
                totals, cuts, members, grain, day, request.targets, request.audience.essentials,
                request.minimum_coverage,
            )
            for grain in GRAINS
        }  # fmt: skip
        progress = _read_progress(totals, members, request)
        watched = read_watched(
            totals, chosen, day, request.audience.essentials, request.targets, request.minimum_coverage
        )
    return Cockpit(
        request=request,
        kpis=chosen,
        grains=GRAINS,
        spans={grain.key: place_spans(grain, last_days(grain, day)) for grain in GRAINS},
        series=series,
        others=others,
        progress=progress,
        signals=tuple(choose_watched(chosen, watched, MOST_SIGNALS)),
        watched=watched,
        cohorts=_read_cohorts(connection, chosen),
        answers=answer_all(connection, day, request.audience.questions),
        sources=_read_sources(connection, day),
    )


def _read_progress(
    totals: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], request: CockpitRequest
) -> dict[str, Progress]:
    aimed = [kpi for kpi in kpis if kpi.kind is Kind.FLOW and request.targets.get(kpi.key)]
    until = request.newest_day
    first = min(until.replace(day=1), until - timedelta(days=SHAPE_DAYS + 6))
    days = [first + timedelta(days=index) for index in range((until - first).days + 1)]
    found: dict[str, Progress] = {}
    values = read_period_values(totals, aimed, Period.DAY, days, request.minimum_coverage) if aimed else []
    for kpi in aimed:
        known = {
            one.last_day: one.current.value
            for one in values
            if one.kpi == kpi.key and (one.dimension, one.segment) == TOTAL
        }
        progress = compute_progress(known, request.targets[kpi.key], Span.MONTH, until)
        if progress is not None:
            found[kpi.key] = progress
    return found


def _read_cohorts(connection: duckdb.DuckDBPyConnection, kpis: Mapping[str, Kpi]) -> tuple[Cohort, ...]:
    """The newest cohorts, for audiences that read about loyalty."""
    is_read = any(key in kpis for key in COHORT_READERS)
    if not is_read or not _has(connection, "cohort_months") or not _has(connection, "cohort_paybacks"):
        return ()
    return tuple(read_cohorts(connection)[-MOST_COHORTS:])


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'model' AND table_name = ?", [table]
    ).fetchone()
    return found is not None


def _read_sources(connection: duckdb.DuckDBPyConnection, newest_day: date) -> tuple[SourceState, ...]:
    rows = connection.execute(
        """
        SELECT s.source, s.title, MAX(CASE WHEN d.is_complete THEN d.day END), MAX(d.loaded_at)
        FROM ops.sources AS s
        LEFT JOIN ops.source_days AS d ON d.source = s.source AND d.day <= ?
        GROUP BY s.source, s.title
        ORDER BY s.title, s.source
        """,
        [newest_day],
    ).fetchall()
    return tuple(
        SourceState(source, title, last, None if last is None else (newest_day - last).days, loaded)
        for source, title, last, loaded in rows
    )
