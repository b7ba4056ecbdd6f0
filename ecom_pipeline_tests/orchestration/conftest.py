"""A small shop whose pipeline Dagster runs, and instances that live as long as a test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import dagster as dg
import pytest

from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.keys import RANGE_END_TAG, RANGE_START_TAG
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline_tests.simulation import Simulation, simulate

DAYS = 14
AT_ONCE = dg.RetryPolicy(max_retries=1, delay=0)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Two weeks of a very small shop, shared by a module's tests."""
    folder = tmp_path_factory.mktemp("shop")
    with simulate(folder, seed=5, days=DAYS, orders_per_day=5) as simulation:
        yield simulation


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Two weeks of a very small shop, computed and published: what reports and cockpits are made from."""
    with simulate(tmp_path_factory.mktemp("shop"), seed=5, days=DAYS, orders_per_day=3) as simulation:
        simulation.run()
        simulation.pipeline.publish()
        yield simulation


@pytest.fixture(scope="module")
def definitions(simulation: Simulation) -> dg.Definitions:
    return build_definitions(simulation.pipeline, AT_ONCE)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def configured(simulation: Simulation, name: str, more: str) -> Pipeline:
    """The pipeline of the same shop with more in its ecom.toml."""
    file = simulation.pipeline.settings.file
    other = file.with_name(f"{name}.toml")
    other.write_text(file.read_text() + more)
    environment = {"ECOM_PSEUDONYM_KEY": "a-pseudonym-key-long-enough-to-use"}
    return Pipeline(load_settings(other, environment), simulation.pipeline.clock)


def run_days(
    job: dg.JobDefinition, instance: dg.DagsterInstance, first_day: date, last_day: date
) -> dg.ExecuteInProcessResult:
    """Run a job for a range of days in this process."""
    tags = {RANGE_START_TAG: first_day.isoformat(), RANGE_END_TAG: last_day.isoformat()}
    return job.execute_in_process(instance=instance, tags=tags, run_config=QUIET, raise_on_error=False)


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Failed steps with what they said."""
    return {
        str(event.step_key): event.step_failure_data.error_display_string
        for event in result.all_events
        if event.is_step_failure
    }


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    """The assets a run materialised, as a/b."""
    return {
        event.materialization.asset_key.to_user_string()
        for event in result.all_events
        if event.is_step_materialization
    }
