"""When things run: every morning the day before, on Mondays and on the first the period before, and the sweep.

The computing run is a job of its own and starts when the extracts have ended, however they ended: what one
vendor did not deliver shows as missing, and must not hold back what the others did deliver.
"""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import (
    UnresolvedPartitionedAssetScheduleDefinition,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ecom_pipeline.editions import report_choices
from ecom_pipeline.orchestration.alerts import ALERTS, UNDER_WAY, alert_jobs, alert_sensors
from ecom_pipeline.orchestration.cockpit import cockpit_keys
from ecom_pipeline.orchestration.keys import (
    OWN_BACKFILL_TAG,
    PARTITION_TAG,
    PUBLISHED,
    RANGE_END_TAG,
    RANGE_START_TAG,
    delivery_key,
    extract_key,
    report_key,
    source_group,
)
from ecom_pipeline.orchestration.mailbox import mailbox_jobs, mailbox_schedules
from ecom_pipeline.orchestration.partitions import period_key
from ecom_pipeline.orchestration.waiting import ask_again, reason_to_wait, ticks
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sources.contract import Table

EXTRACT, COMPUTE, SWEEP = "extract", "compute", "sweep_deletions"
REPORTS = {Rhythm.WEEKLY: "weekly_report", Rhythm.MONTHLY: "monthly_report"}
EXTRACT_HOUR = 6
SWEEP_CRON = "0 4 * * 0"
_ENDINGS = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


@dataclass(frozen=True)
class Timetable:
    """Everything that starts runs."""

    jobs: list[UnresolvedAssetJobDefinition | dg.JobDefinition]
    schedules: list[dg.ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition]
    sensors: list[dg.SensorDefinition]


def make_timetable(pipeline: Pipeline) -> Timetable:
    """The jobs with their schedules, and what starts the computing after the extracts."""
    extract, compute = _extract_job(pipeline), _compute_job(pipeline)
    reports = {rhythm: _report_job(pipeline, rhythm) for rhythm in Rhythm}
    daily = dg.build_schedule_from_partitioned_job(
        extract, name="daily_extract", hour_of_day=EXTRACT_HOUR, minute_of_hour=0,
        description="Reads yesterday from every source.", default_status=dg.DefaultScheduleStatus.RUNNING,
    )  # fmt: skip
    sweep = sweep_job(pipeline)
    schedules: list[dg.ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition] = [
        daily,
        _late_schedule(pipeline, extract),
        *(_report_schedule(pipeline, job, rhythm) for rhythm, job in reports.items()),
    ]
    if sweep is not None:
        schedules.append(_sweep_schedule(pipeline, sweep))
    send, mailbox = alert_jobs(pipeline), mailbox_jobs(pipeline)
    schedules += mailbox_schedules(pipeline, mailbox)
    every = (extract, compute, *reports.values(), sweep, *send, *mailbox)
    jobs = [job for job in every if job is not None]
    after = [_compute_after(pipeline, compute, ending) for ending in _ENDINGS]
    return Timetable(jobs, schedules, [*after, *alert_sensors(pipeline, send)])


def _extract_job(pipeline: Pipeline) -> UnresolvedAssetJobDefinition:
    groups = sorted({source_group(source.family) for source in pipeline.sources.values()})
    return dg.define_asset_job(
        EXTRACT,
        dg.AssetSelection.groups(*groups),
        description="Reads every source; what one of them fails to deliver stops none of the others.",
        executor_def=dg.in_process_executor,
    )


def _compute_job(pipeline: Pipeline) -> UnresolvedAssetJobDefinition:
    kpis = dg.AssetSelection.key_prefixes(["model"], ["kpi"])
    last = [PUBLISHED, *cockpit_keys(pipeline)]
    if pipeline.settings.tells_alerts:
        last.append(ALERTS)
    return dg.define_asset_job(
        COMPUTE,
        kpis | dg.AssetSelection.assets(*last),
        description="Builds models and KPIs from what was read, publishes them, and makes cockpits and alerts.",
        executor_def=dg.in_process_executor,
    )


def _report_job(pipeline: Pipeline, rhythm: Rhythm) -> UnresolvedAssetJobDefinition:
    chosen = report_choices(pipeline.settings)
    keys = [key(rhythm, *one) for one in chosen for key in (report_key, delivery_key)]
    period = rhythm.period.value
    return dg.define_asset_job(
        REPORTS[rhythm],
        dg.AssetSelection.assets(*keys),
        description=f"Renders a {period}'s reports and, when it is the newest {period}, sends them.",
        executor_def=dg.in_process_executor,
    )


def _report_schedule(
    pipeline: Pipeline, job: UnresolvedAssetJobDefinition, rhythm: Rhythm
) -> dg.ScheduleDefinition:
    when = "Every Monday" if rhythm is Rhythm.WEEKLY else "On the first of a month"

    @dg.schedule(
        name=f"{rhythm}_report",
        job=job,
        cron_schedule=ticks(pipeline, rhythm),
        execution_timezone=pipeline.settings.shop.time_zone,
        description=f"{when}, renders and sends the reports of the {rhythm.period.value} before: as soon as its "
        "sources are in, at the latest at report.wait_until.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time
        today = now.astimezone(pipeline.settings.shop.zone).date()
        period = newest_complete(rhythm, today - timedelta(days=1))
        if reason := reason_to_wait(pipeline, period, now):
            return dg.SkipReason(reason)
        # One run a period: later ticks of the morning name the same key, and Dagster starts it once.
        return dg.RunRequest(run_key=f"{rhythm}/{period.name}", partition_key=period_key(period))

    return schedule


def _late_schedule(pipeline: Pipeline, extract: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="late_sources",
        job=extract,
        cron_schedule=f"*/30 {EXTRACT_HOUR}-{pipeline.settings.report.wait_until.hour} * * *",
        execution_timezone=pipeline.settings.shop.time_zone,
        description="Asks sources that lack yesterday again, until report.wait_until.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(pipeline.settings.shop.zone)
        if now.time() > pipeline.settings.report.wait_until:
            return dg.SkipReason("The reports no longer wait.")
        at_work = dg.RunsFilter(statuses=list(UNDER_WAY))
        if any(run.job_name in (EXTRACT, COMPUTE) for run in context.instance.get_runs(at_work)):
            return dg.SkipReason("Sources are being read, or what was read is being computed.")
        return ask_again(pipeline, now.date() - timedelta(days=1), now)

    return schedule


def _compute_after(
    pipeline: Pipeline,
    compute: UnresolvedAssetJobDefinition,
    ending: dg.DagsterRunStatus,
) -> dg.SensorDefinition:
    vendor_tables = {extract_key(stream.source, stream.table.name) for stream in pipeline.catalog.streams}

    @dg.run_status_sensor(
        ending,
        name=f"compute_after_extract_{ending.value.lower()}",
        description=f"Starts the computing run when an extract run ended with {ending.value.lower()}.",
        request_job=compute,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if not needs_computing(run, vendor_tables):
            return dg.SkipReason(f"Run {run.run_id} was no extract, or whoever started it computes as well.")
        return request_compute(run)

    return sensor


def needs_computing(run: dg.DagsterRun, vendor_tables: Set[dg.AssetKey]) -> bool:
    """Whether computing has to be started for a run that has ended.

    It has for the extract job, and for a run put together in the UI that failed to read a vendor's table: a
    backfill of the UI starts nothing that lies below what failed.
    """
    if run.job_name == EXTRACT:
        return True
    return run.status is dg.DagsterRunStatus.FAILURE and bool(vendor_tables & (run.asset_selection or set()))


def request_compute(run: dg.DagsterRun) -> dg.RunRequest | dg.SkipReason:
    """The computing run for the days an extract run asked for."""
    tags = run.tags
    if OWN_BACKFILL_TAG in tags:
        return dg.SkipReason("The backfill computes by itself once all its extracts have ended.")
    if RANGE_START_TAG in tags:
        days = {name: tags[name] for name in (RANGE_START_TAG, RANGE_END_TAG)}
        return dg.RunRequest(run_key=run.run_id, tags=days)
    if PARTITION_TAG in tags:
        return dg.RunRequest(run_key=run.run_id, partition_key=tags[PARTITION_TAG])
    return dg.SkipReason(f"Run {run.run_id} had no day.")


def sweep_job(pipeline: Pipeline) -> dg.JobDefinition | None:
    """Compares keys with the vendors' for every table whose records may vanish; None when there is none."""
    ops = [
        _sweep_op(pipeline, source, table)
        for source in pipeline.sources
        for table in pipeline.tables(source)
        if table.swept
    ]
    if not ops:
        return None

    @dg.job(
        name=SWEEP,
        description="Finds records the vendors no longer hold.",
        executor_def=dg.in_process_executor,
    )
    def sweep() -> None:
        for op in ops:
            op()

    return sweep


def _sweep_op(pipeline: Pipeline, source: str, table: Table) -> dg.OpDefinition:
    @dg.op(
        name=f"sweep_{source}_{table.name}", description=f"{source}: {table.grain}", out=dg.Out(dg.Nothing)
    )
    def sweep(context: dg.OpExecutionContext) -> None:
        swept = pipeline.sweep(source, table, pipeline.settings.shop.history_start, pipeline.newest_day())
        # What vanished is stored as a version that says so.
        context.add_output_metadata({"records_held": swept.rows_read, "vanished": swept.rows_stored})

    return sweep


def _sweep_schedule(pipeline: Pipeline, sweep: dg.JobDefinition) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="weekly_sweep",
        job=sweep,
        cron_schedule=SWEEP_CRON,
        execution_timezone=pipeline.settings.shop.time_zone,
        description="Looks for what vanished at the vendors, before Sunday's own run.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
