"""A backfill from the command line: the same assets in the same process, each part a run the UI shows.

Extracts run in chunks, each a run of its own, so that a vendor that fails for a quarter leaves everything else
done. Then everything is computed in one run, whatever the extracts came to, and published; then reports.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import dagster as dg
import psutil  # type: ignore[import-untyped]

from ecom_pipeline.editions import report_choices
from ecom_pipeline.errors import ConfigurationError, EcomError
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.extracts import CHUNK_DAYS
from ecom_pipeline.orchestration.instance import open_instance
from ecom_pipeline.orchestration.jobs import COMPUTE, EXTRACT, REPORTS
from ecom_pipeline.orchestration.keys import (
    OWN_BACKFILL_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    extract_key,
    report_key,
)
from ecom_pipeline.orchestration.partitions import period_key
from ecom_pipeline.orchestration.progress import Listener, Progress, listening, report_progress
from ecom_pipeline.periods import ReportPeriod, Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline

PROCESS_TAG = "ecom-pipeline/process"
OWN_ERROR = re.compile(rf"{re.escape(EcomError.__module__)}\.\w+: ")  # how Dagster begins the words of ours

Reports = Literal["newest", "all", "none"]


@dataclass(frozen=True)
class FailedPart:
    """A part of a backfill that is not done, and the command that does it again."""

    what: str
    first_day: date
    last_day: date
    reason: str
    again: str


@dataclass
class BackfillOutcome:
    """What a backfill came to. Done parts are stored whatever failed."""

    first_day: date
    last_day: date
    runs: list[str] = field(default_factory=list)  # Dagster run ids, in order
    failed: list[FailedPart] = field(default_factory=list)
    reported: list[ReportPeriod] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # by stage

    @property
    def ok(self) -> bool:
        return not self.failed


def run_backfill(
    pipeline: Pipeline,
    first_day: date,
    last_day: date,
    on_progress: Listener | None = None,
    *,
    sources: Iterable[str] | None = None,
    reports: Reports = "newest",
) -> BackfillOutcome:
    """Extract, compute, publish and report the days; nothing is sent to anyone.

    `sources` limits the extracts to some of the sources. A failing part is listed in the outcome.

    Raises:
        ConfigurationError: a source is unknown, or the days lie outside the shop's history.
    """
    chosen = _check(pipeline, first_day, last_day, sources)
    outcome = BackfillOutcome(first_day, last_day)
    with _open_instance(pipeline) as instance, listening(on_progress):
        run = _Backfill(pipeline, instance, outcome)
        run.extract(chosen)
        run.compute()
        run.report(reports)
    return outcome


def run_report(pipeline: Pipeline, period: ReportPeriod, on_progress: Listener | None = None) -> str:
    """Render a week's or month's reports and send them, as on their day: the run's id.

    Raises:
        DagsterError: a report could not be rendered, or a reader does not have it.
    """
    with _open_instance(pipeline) as instance, listening(on_progress):
        job = build_definitions(pipeline, mail_retries=None).resolve_job_def(REPORTS[period.rhythm])
        result = job.execute_in_process(
            instance=instance,
            partition_key=period_key(period),
            tags=_process_tags(),
            run_config=QUIET,
        )
    return result.run_id


class _Backfill:
    def __init__(self, pipeline: Pipeline, instance: dg.DagsterInstance, outcome: BackfillOutcome) -> None:
        self.pipeline = pipeline
        self.instance = instance
        self.outcome = outcome
        self.definitions = build_definitions(pipeline, mail_retries=None)
        self.tags = {**_process_tags(), OWN_BACKFILL_TAG: f"{outcome.first_day}..{outcome.last_day}"}

    def extract(self, sources: Sequence[str]) -> None:
        chunks = list(chunks_of(self.outcome.first_day, self.outcome.last_day))
        job = self.definitions.resolve_job_def(EXTRACT)
        if len(sources) < len(self.pipeline.sources):
            tables = [(source, table.name) for source in sources for table in self.pipeline.tables(source)]
            job = job.get_subset(asset_selection={extract_key(*table) for table in tables})
        with self._timed("extract"):
            for first, last in chunks:
                for source, reason in self._run(job, _range_tags(first, last)).items():
                    again = f"ecom-pipeline backfill --from {first} --to {last} --source {source}"
                    self.outcome.failed.append(FailedPart(source, first, last, reason, again))

    def compute(self) -> None:
        first, last = self.outcome.first_day, self.outcome.last_day
        with self._timed("compute"):
            failed = self._run(self.definitions.resolve_job_def(COMPUTE), _range_tags(first, last))
        for step, reason in failed.items():
            again = f"ecom-pipeline backfill --from {first} --to {last}"
            self.outcome.failed.append(FailedPart(step, first, last, reason, again))

    def report(self, reports: Reports) -> None:
        periods = [period for rhythm in Rhythm for period in self._periods(rhythm, reports)]
        with self._timed("report"):
            for number, period in enumerate(periods):
                report_progress(Progress("report", period.name, number, len(periods)))
                failed = self._run(self._report_job(period.rhythm), {}, period_key(period))
                for step, reason in failed.items():
                    kind = period.rhythm.period.value
                    again = f"ecom-pipeline report --{kind} {period.name}"
                    self.outcome.failed.append(
                        FailedPart(step, period.first_day, period.last_day, reason, again)
                    )
                if not failed:
                    self.outcome.reported.append(period)

    def _report_job(self, rhythm: Rhythm) -> dg.JobDefinition:
        keys = {report_key(rhythm, *one) for one in report_choices(self.pipeline.settings)}
        return self.definitions.resolve_job_def(REPORTS[rhythm]).get_subset(asset_selection=keys)

    def _periods(self, rhythm: Rhythm, reports: Reports) -> list[ReportPeriod]:
        """The newest whole period, or all that end within the days; none that begins before the history."""
        period = newest_complete(rhythm, min(self.outcome.last_day, self.pipeline.newest_day()))
        found: list[ReportPeriod] = []
        while reports != "none" and period.first_day >= self.pipeline.settings.shop.history_start:
            if reports == "all" and period.last_day < self.outcome.first_day:
                break
            found.append(period)
            if reports == "newest":
                break
            period = period.back(1)
        return found[::-1]

    def _run(
        self, job: dg.JobDefinition, tags: dict[str, str], partition_key: str | None = None
    ) -> dict[str, str]:
        """Run the job to its end; the parts that failed, each with its reason."""
        result = job.execute_in_process(
            instance=self.instance,
            tags={**self.tags, **tags},
            partition_key=partition_key,
            run_config=QUIET,
            raise_on_error=False,
        )
        self.outcome.runs.append(result.run_id)
        failed = {
            str(event.step_key).removeprefix("extract_"): _reason(event, result.all_events)
            for event in result.all_events
            if event.is_step_failure
        }
        return failed if failed or result.success else {job.name: "the run failed"}

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.outcome.seconds[stage] = time.perf_counter() - began


def chunks_of(first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """The days in consecutive parts of a quarter."""
    while first_day <= last_day:
        end = min(first_day + timedelta(days=CHUNK_DAYS - 1), last_day)
        yield first_day, end
        first_day = end + timedelta(days=1)


@contextmanager
def _open_instance(pipeline: Pipeline) -> Iterator[dg.DagsterInstance]:
    with open_instance(pipeline.settings) as instance:
        _end_the_dead(instance)
        yield instance


def _end_the_dead(instance: dg.DagsterInstance) -> None:
    """Runs of a process that was killed would stay under way for ever, and keep the one slot for computing."""
    under_way = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(under_way):
        process = run.tags.get(PROCESS_TAG)
        if process is not None and not _is_alive(process):
            instance.report_run_failed(run, "The process that ran it was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _reason(failure: dg.DagsterEvent, events: Sequence[dg.DagsterEvent]) -> str:
    """Why a step failed, in the words of whoever noticed, without Dagster's own frames."""
    data = failure.step_failure_data
    if data.user_failure_data is not None:
        details = [entry.value for entry in data.user_failure_data.metadata.values()]
        return "\n".join([data.user_failure_data.description or "", *map(str, details)]).strip()
    if checks := _stopping_checks(failure.step_key, events):
        return "\n".join(checks)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return OWN_ERROR.sub("", error.message, count=1).strip() if error is not None else "the step failed"


def _stopping_checks(step_key: str | None, events: Sequence[dg.DagsterEvent]) -> list[str]:
    """The blocking checks of a step that failed, each with what it found."""
    checks = [
        event.asset_check_evaluation_data
        for event in events
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION and event.step_key == step_key
    ]
    return [
        f"{check.asset_key.to_user_string()} and all that reads it are held back, for it should be that "
        f"{check.description}. Found: {', '.join(f'{name} {entry.value}' for name, entry in check.metadata.items())}."
        for check in checks
        if not check.passed and check.blocking
    ]


def _process_tags() -> dict[str, str]:
    process = psutil.Process(os.getpid())
    return {PROCESS_TAG: f"{process.pid}@{process.create_time():.0f}"}


def _is_alive(process: str) -> bool:
    pid, _, created = process.partition("@")
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == created
    except psutil.NoSuchProcess:
        return False


def _range_tags(first_day: date, last_day: date) -> dict[str, str]:
    return {RANGE_START_TAG: first_day.isoformat(), RANGE_END_TAG: last_day.isoformat()}


def _check(
    pipeline: Pipeline, first_day: date, last_day: date, sources: Iterable[str] | None
) -> Sequence[str]:
    start, newest = pipeline.settings.shop.history_start, pipeline.newest_day()
    if not start <= first_day <= last_day <= newest:
        raise ConfigurationError(
            f"The days {first_day} to {last_day} cannot be filled.",
            why=f"The shop's history goes from {start} (history_start) to {newest}, the last complete day.",
            mend="Choose days within it, the first before the last.",
        )
    chosen = list(pipeline.sources) if sources is None else list(dict.fromkeys(sources))
    for source in chosen:
        if source not in pipeline.sources:
            raise ConfigurationError(
                f"There is no source {source}.", mend=f"Use one of {', '.join(pipeline.sources)}."
            )
    return chosen
