"""Alerts in Dagster: of failed runs and checks, of the newest day, never of a backfill; sent when due."""

# No postponed annotations here: Dagster compares the annotation of `context` with its own classes.

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ecom_pipeline.alerting import RunFindings, record_run
from ecom_pipeline.delivery import AlertCheck, AlertRun
from ecom_pipeline.orchestration import alerts
from ecom_pipeline.orchestration.alerts import find_in_run
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.keys import PARTITION_TAG, RANGE_END_TAG, RANGE_START_TAG
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings

from ..alerting.conftest import CONFIGURATION, SIGNING_KEY, publish
from ..delivery.webhook_catcher import WebhookCatcher, answer, run_webhook_catcher

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
YESTERDAY = "2026-11-23"
SENSORS = ("alerts_after_success", "alerts_after_failure")


@dataclass
class Shop:
    """A pipeline with a webhook, its definitions, and what the webhook received."""

    pipeline: Pipeline
    definitions: dg.Definitions
    hooks: WebhookCatcher


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with run_webhook_catcher() as hooks:
        file = tmp_path / "ecom.toml"
        file.write_text(CONFIGURATION, encoding="utf-8")
        environment = {
            "ECOM_PSEUDONYM_KEY": "a pseudonym key long enough",
            "ECOM_WEBHOOK_SHEET_URL": hooks.url,
            "ECOM_WEBHOOK_SHEET_SIGNING_KEY": SIGNING_KEY,
        }
        pipeline = Pipeline(load_settings(file, environment), lambda: NOW)
        yield Shop(pipeline, build_definitions(pipeline), hooks)


@dg.asset(
    name="orders",
    key_prefix="shop",
    check_specs=[
        dg.AssetCheckSpec("newest_day_is_complete", asset=["shop", "orders"]),
        dg.AssetCheckSpec("is_zero", asset=["shop", "orders"]),
        dg.AssetCheckSpec("key_is_unique", asset=["shop", "orders"]),
    ],
    config_schema={"breaks": bool},
)
def orders(context: dg.AssetExecutionContext) -> Iterator[Any]:
    yield dg.MaterializeResult()
    for name, passed in (("newest_day_is_complete", False), ("is_zero", False), ("key_is_unique", True)):
        yield dg.AssetCheckResult(check_name=name, passed=passed, asset_key=["shop", "orders"])
    if context.op_execution_context.op_config["breaks"]:
        raise RuntimeError("the vendor said token=very-secret-token")


def run_orders(
    instance: dg.DagsterInstance, *, breaks: bool = False, tags: dict[str, str] | None = None
) -> dg.DagsterRun:
    result = dg.materialize(
        [orders],
        instance=instance,
        raise_on_error=False,
        tags=tags or {},
        run_config={**QUIET, "ops": {"shop__orders": {"config": {"breaks": breaks}}}},
    )
    assert result.success is not breaks
    return result.dagster_run


def after(shop: Shop, run: dg.DagsterRun, instance: dg.DagsterInstance) -> str:
    """What the sensor of a run's ending says about it."""
    (name,) = [name for name in SENSORS if name.endswith(run.status.value.lower())]
    sensor = shop.definitions.resolve_sensor_def(name)
    assert isinstance(sensor, dg.RunStatusSensorDefinition)
    events = instance.get_records_for_run(run.run_id, of_type=_ENDINGS[name]).records
    ending = events[-1].event_log_entry.dagster_event
    assert ending is not None
    context = dg.build_run_status_sensor_context(name, ending, instance, run)
    said = sensor(context)
    assert isinstance(said, dg.SkipReason), "it must start nothing"
    return str(said.skip_message)


_ENDINGS = {
    "alerts_after_success": dg.DagsterEventType.RUN_SUCCESS,
    "alerts_after_failure": dg.DagsterEventType.RUN_FAILURE,
}


def send(shop: Shop, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = shop.definitions.resolve_job_def("send_alerts")
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)


def test_a_failed_run_and_its_failed_checks_are_told_once(shop: Shop, instance: dg.DagsterInstance) -> None:
    run = run_orders(instance, breaks=True, tags={PARTITION_TAG: YESTERDAY})
    assert "alert/failures/" in after(shop, run, instance)
    assert after(shop, run, instance) == "All of it was told before."
    assert send(shop, instance).success
    bodies = {caught.body for caught in shop.hooks.caught}
    assert len(bodies) == len(shop.hooks.caught) == 2
    whole = b"".join(bodies).decode()
    assert run.run_id in whole and "shop__orders" in whole and YESTERDAY in whole
    assert "very-secret-token" not in whole, "what an exception says may be secret"


def test_failed_checks_of_a_run_that_went_well_are_told(shop: Shop, instance: dg.DagsterInstance) -> None:
    run = run_orders(instance)
    assert find_in_run(run, instance) == RunFindings(
        run.run_id,
        None,
        (AlertCheck(asset="shop/orders", check="newest_day_is_complete", is_blocking=False),),
        (AlertCheck(asset="shop/orders", check="is_zero", is_blocking=False),),
    )
    assert "alert/freshness/2026-11-23" in after(shop, run, instance)


@pytest.mark.parametrize("tag", ["dagster/backfill", "ecom-pipeline/backfill"])
@pytest.mark.parametrize("breaks", [False, True])
def test_a_backfills_runs_are_told_to_nobody(
    shop: Shop, instance: dg.DagsterInstance, tag: str, breaks: bool
) -> None:
    run = run_orders(instance, breaks=breaks, tags={tag: "abcdefgh"})
    assert find_in_run(run, instance) is None
    assert after(shop, run, instance) == "There is nothing to tell."


def test_a_run_that_failed_to_send_alerts_makes_no_alert(shop: Shop, instance: dg.DagsterInstance) -> None:
    record_run(shop.pipeline, RunFindings("run-1", _failed("run-1")))
    shop.hooks.script.append(answer(400, "invalid_payload"))
    result = send(shop, instance)
    assert not result.success
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and run.status is dg.DagsterRunStatus.FAILURE
    assert find_in_run(run, instance) is None


def run_day(
    shop: Shop, instance: dg.DagsterInstance, day: str, tags: dict[str, str] | None = None
) -> dict[str, object]:
    """What the asset says of the day, the last of the range that the tags may name."""
    job = shop.definitions.resolve_job_def("compute").get_subset(asset_selection={alerts.ALERTS})
    tags = tags or {}
    one_day = None if RANGE_START_TAG in tags else day
    result = job.execute_in_process(
        instance=instance, partition_key=one_day, tags=tags, run_config=QUIET, raise_on_error=False
    )
    assert result.success
    events = result.asset_materializations_for_node("alert__day")
    (event,) = [event for event in events if event.partition == day]
    assert all(one.metadata == {} for one in events if one is not event)
    return {name: value.value for name, value in event.metadata.items()}


def test_the_newest_day_makes_its_alerts_in_the_computing_run(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    publish(shop.pipeline, shop.pipeline.newest_day(), bad_days=0)
    assert run_day(shop, instance, YESTERDAY) == {"alerts": ["alert/daily/2026-11-23"]}
    assert run_day(shop, instance, YESTERDAY) == {"alerts": []}


@pytest.mark.parametrize("tag", ["dagster/backfill", "ecom-pipeline/backfill"])
def test_a_backfilled_day_makes_none(shop: Shop, instance: dg.DagsterInstance, tag: str) -> None:
    publish(shop.pipeline, shop.pipeline.newest_day(), bad_days=4)
    days = {RANGE_START_TAG: "2026-11-20", RANGE_END_TAG: YESTERDAY}
    for tags in ({tag: "abcdefgh"}, {tag: "abcdefgh", **days}):
        said = run_day(shop, instance, YESTERDAY, tags)
        assert said == {"not_made_because": "it is part of a backfill"}
    assert "newest complete day" in str(run_day(shop, instance, "2026-11-20")["not_made_because"])
    assert send(shop, instance).success and shop.hooks.caught == []


def tick(shop: Shop, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    sensor = shop.definitions.resolve_sensor_def("alerts_due")
    found = sensor(dg.build_sensor_context(instance))
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_sending_starts_when_something_is_due_and_only_once_at_a_time(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    assert isinstance(tick(shop, instance), dg.SkipReason)
    record_run(shop.pipeline, RunFindings("run-1", _failed("run-1")))
    assert isinstance(tick(shop, instance), dg.RunRequest)
    job = shop.definitions.resolve_job_def("send_alerts")
    under_way = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    skipped = tick(shop, instance)
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message == "Alerts are being sent."
    instance.report_run_failed(under_way, "killed")
    assert send(shop, instance).success
    assert len(shop.hooks.caught) == 1
    assert isinstance(tick(shop, instance), dg.SkipReason)


def test_without_receivers_the_graph_has_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "ecom.toml"
    file.write_text(CONFIGURATION.partition("[[webhooks]]")[0], encoding="utf-8")
    definitions = build_definitions(Pipeline(load_settings(file, {}), lambda: NOW))
    names = {sensor.name for sensor in definitions.sensors or []} | {
        job.name for job in definitions.jobs or []
    }
    assert not {name for name in names if "alert" in name}
    assert alerts.ALERTS not in definitions.resolve_asset_graph().get_all_asset_keys()


def _failed(run_id: str) -> AlertRun:
    return AlertRun(run_id=run_id, job="extract", partition=None, failed_steps=("extract_shop",))
