"""Alerts in the graph: made of a day once it is published, of runs once they have ended, sent when they are due.

Without a receiver in the settings there is none of it. A backfill gives rise to no alert.
"""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterable
from datetime import date

import dagster as dg

from ecom_pipeline.alerting import DayAlerts, RunFindings, alerts_are_due, record_day, record_run, send_alerts
from ecom_pipeline.delivery import AlertCheck, AlertDelivery, AlertRun
from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.checks import DAY_IS_COMPLETE, DAY_IS_MEASURED
from ecom_pipeline.orchestration.keys import (
    BACKFILL_TAGS,
    DATA_TEAM,
    LATE_TAG,
    PARTITION_TAG,
    PUBLISHED,
    RANGE_END_TAG,
    RANGE_START_TAG,
)
from ecom_pipeline.orchestration.partitions import daily_partitions, days_of
from ecom_pipeline.orchestration.reports import PERIOD_IS_WHOLE
from ecom_pipeline.pipeline import Pipeline

ALERTS = dg.AssetKey(["alert", "day"])
SEND_ALERTS = "send_alerts"
STALE_CHECKS = {DAY_IS_COMPLETE, DAY_IS_MEASURED, PERIOD_IS_WHOLE}
_SECONDS_BETWEEN = 60
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def alert_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """The asset that makes the newest day's alerts; none when nobody is told anything."""
    if not pipeline.settings.tells_alerts:
        return []

    @dg.asset(
        key=ALERTS,
        deps=[PUBLISHED],
        description="The newest complete day's figures and new signals, ready to be sent to webhooks and "
        "people. Days of the past give rise to none.",
        group_name="alerts",
        kinds={"json"},
        owners=[DATA_TEAM],
        partitions_def=daily_partitions(pipeline.settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def alert_day(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        last_day = days_of(context)[1]
        if BACKFILL_TAGS & context.run.tags.keys():
            found = DayAlerts(last_day, not_made_because="it is part of a backfill")
        else:
            found = _record_day(pipeline, last_day)
        # Of the last day alone: a range has as many materialisations as days.
        context.add_asset_metadata(_day_metadata(found), partition_key=last_day.isoformat())
        return dg.MaterializeResult()

    return [alert_day]


def alert_jobs(pipeline: Pipeline) -> list[dg.JobDefinition]:
    """The job that sends what is due."""
    return [_send_job(pipeline)] if pipeline.settings.tells_alerts else []


def alert_sensors(pipeline: Pipeline, send: Iterable[dg.JobDefinition]) -> list[dg.SensorDefinition]:
    """What starts the sending, and what looks through runs that have ended."""
    if not pipeline.settings.tells_alerts:
        return []
    endings = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    return [
        *(_due_sensor(pipeline, job) for job in send),
        *(_ended_sensor(pipeline, ending) for ending in endings),
    ]


def find_in_run(run: dg.DagsterRun, instance: dg.DagsterInstance) -> RunFindings | None:
    """What a run that has ended shows of failures; None when it is not to be told."""
    # What is still late when it is asked again was told when it was first.
    if run.job_name == SEND_ALERTS or (BACKFILL_TAGS | {LATE_TAG}) & run.tags.keys():
        return None
    stale, failed = _failed_checks(run, instance)
    told = _failed_run(run, instance) if run.status is dg.DagsterRunStatus.FAILURE else None
    if told is None and not stale and not failed:
        return None
    return RunFindings(run.run_id, told, tuple(stale), tuple(failed))


def _send_job(pipeline: Pipeline) -> dg.JobDefinition:
    @dg.op(description="Sends each alert that is due to each of its receivers.", out=dg.Out(dg.Nothing))
    def send(context: dg.OpExecutionContext) -> None:
        try:
            made = send_alerts(pipeline)
        except EcomError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.add_output_metadata(_delivery_metadata(made))
        if lost := [one for one in made if one.needs_a_person]:
            raise dg.Failure(
                f"{len(lost)} alerts are refused until somebody mends it.",
                metadata=_delivery_metadata(lost),
                allow_retries=False,
            )

    @dg.job(
        name=SEND_ALERTS,
        description="Sends alerts to webhooks and people.",
        executor_def=dg.in_process_executor,
    )
    def send_alerts_job() -> None:
        send()

    return send_alerts_job


def _due_sensor(pipeline: Pipeline, job: dg.JobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts_due",
        job=job,
        minimum_interval_seconds=_SECONDS_BETWEEN,
        description="Starts the sending of alerts as soon as one is due, outside the quiet hours.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.instance.get_run_ids(dg.RunsFilter(job_name=SEND_ALERTS, statuses=UNDER_WAY), limit=1):
            return dg.SkipReason("Alerts are being sent.")
        if not alerts_are_due(pipeline):
            return dg.SkipReason("No alert is due.")
        return dg.RunRequest()

    return sensor


def _ended_sensor(pipeline: Pipeline, ending: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        ending,
        name=f"alerts_after_{ending.value.lower()}",
        description=f"Makes alerts of failed checks and failed runs when a run ended with {ending.value.lower()}.",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        findings = find_in_run(context.dagster_run, context.instance)
        if findings is None:
            return dg.SkipReason("There is nothing to tell.")
        made = record_run(pipeline, findings)
        return dg.SkipReason(f"Made {', '.join(made)}." if made else "All of it was told before.")

    return sensor


def _failed_run(run: dg.DagsterRun, instance: dg.DagsterInstance) -> AlertRun:
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    steps = dict.fromkeys(
        event.step_key
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None and event.step_key
    )
    first, last = run.tags.get(RANGE_START_TAG), run.tags.get(RANGE_END_TAG)
    days = f"{first}..{last}" if first and last else run.tags.get(PARTITION_TAG)
    return AlertRun(run_id=run.run_id, job=run.job_name, partition=days, failed_steps=tuple(steps))


def _failed_checks(
    run: dg.DagsterRun, instance: dg.DagsterInstance
) -> tuple[list[AlertCheck], list[AlertCheck]]:
    """The run's checks that were not passed: those of freshness, and the others."""
    stale: list[AlertCheck] = []
    failed: list[AlertCheck] = []
    records = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None or event.asset_check_evaluation_data.passed:
            continue
        found = event.asset_check_evaluation_data
        check = AlertCheck(
            asset=found.asset_key.to_user_string(), check=found.check_name, is_blocking=bool(found.blocking)
        )
        (stale if found.check_name in STALE_CHECKS else failed).append(check)
    return stale, failed


def _record_day(pipeline: Pipeline, day: date) -> DayAlerts:
    try:
        return record_day(pipeline, day)
    except EcomError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _day_metadata(found: DayAlerts) -> dict[str, dg.MetadataValue]:
    if found.not_made_because:
        return {"not_made_because": dg.MetadataValue.text(found.not_made_because)}
    return {"alerts": dg.MetadataValue.json(list(found.made))}


def _delivery_metadata(made: list[AlertDelivery]) -> dict[str, dg.MetadataValue]:
    lines = [f"- {one.alert} to {one.display}: {one.state} ({one.explanation})" for one in made]
    return {"attempts": dg.MetadataValue.int(len(made)), "alerts": dg.MetadataValue.md("\n".join(lines))}
