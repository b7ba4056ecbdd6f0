"""When a report goes out: as soon as its sources are in, and at the latest at a configured hour with what there is.

What was missing in the morning is asked for again until then, so that waiting can be worth it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import dagster as dg

from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.keys import LATE_TAG, extract_key
from ecom_pipeline.periods import ReportPeriod, Rhythm
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reports.quality import read_sources
from ecom_pipeline.reports.report import SourceDays
from ecom_pipeline.warehouse.connection import open_published


def reason_to_wait(pipeline: Pipeline, period: ReportPeriod, now: datetime) -> str:
    """Why the period's report does not go out yet at an instant; empty when it does."""
    report = pipeline.settings.report
    local = now.astimezone(pipeline.settings.shop.zone).time()
    if local < report.send_from:
        return f"It goes out from {report.send_from:%H:%M} on."
    if local >= report.wait_until:
        return ""
    lacking = lacking_sources(pipeline, period)
    if lacking is None:
        return f"Nothing is published yet; it waits until {report.wait_until:%H:%M}."
    names = ", ".join(source.title for source in lacking)
    return f"It waits until {report.wait_until:%H:%M} for {names}." if lacking else ""


def lacking_sources(pipeline: Pipeline, period: ReportPeriod) -> Sequence[SourceDays] | None:
    """The sources that lack days of the period, from the published copy; None before there is one."""
    try:
        with open_published(pipeline.settings.published_file) as connection:
            sources = read_sources(connection, period)
    except EcomError:
        return None
    return [source for source in sources if source.missing_days]


def late_sources(pipeline: Pipeline, day: date) -> list[str]:
    """The sources whose day was asked for this morning and is not there; none before the morning's computing."""
    try:
        with open_published(pipeline.settings.published_file) as connection:
            rows = connection.execute(
                "SELECT source, is_complete FROM ops.source_days WHERE day = ?", [day]
            ).fetchall()
    except EcomError:
        return []
    return sorted(source for source, is_complete in rows if not is_complete and source in pipeline.sources)


def ticks(pipeline: Pipeline, rhythm: Rhythm) -> str:
    """Every quarter of an hour in which a report of the rhythm may go out, as cron writes it."""
    report = pipeline.settings.report
    days = "* * 1" if rhythm is Rhythm.WEEKLY else "1 * *"
    return f"*/15 {report.send_from.hour}-{report.wait_until.hour} {days}"


def ask_again(pipeline: Pipeline, day: date, tick: datetime) -> dg.RunRequest | dg.SkipReason:
    """An extract of the sources that lack the day, or why there is none."""
    late = late_sources(pipeline, day)
    if not late:
        return dg.SkipReason(f"No source is known to lack {day}.")
    tables = [extract_key(source, table.name) for source in late for table in pipeline.tables(source)]
    return dg.RunRequest(
        run_key=f"late-{tick.isoformat()}",
        partition_key=day.isoformat(),
        asset_selection=tables,
        tags={LATE_TAG: ", ".join(late)},
    )
