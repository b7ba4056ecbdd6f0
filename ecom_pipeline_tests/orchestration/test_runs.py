"""Runs in this process against the simulated vendors: what is made, what a failure leaves, what blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import dagster as dg
import pytest

from ecom_pipeline.errors import AuthenticationError, SourceError
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.raw_log import LoadResult
from ecom_pipeline_tests.orchestration.conftest import AT_ONCE, failures, made, run_days
from ecom_pipeline_tests.simulation import Simulation


@dataclass
class FailingPipeline(Pipeline):
    """Fails the named tables (source.table) with the given errors, one for each attempt, then works."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)

    def extract(self, source: str, table: Table, first_day: date, last_day: date) -> LoadResult:
        name = f"{source}.{table.name}"
        self.attempts.append(name)
        if self.errors.get(name):
            raise self.errors[name].pop(0)
        return super().extract(source, table, first_day, last_day)


def failing(simulation: Simulation, errors: dict[str, list[Exception]]) -> FailingPipeline:
    pipeline = simulation.pipeline
    return FailingPipeline(pipeline.settings, pipeline.clock, errors)


@pytest.fixture(scope="module")
def days(simulation: Simulation) -> tuple[date, date]:
    return simulation.shop.first_day, simulation.shop.last_day


@pytest.fixture(scope="module")
def kept() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def extracted(
    definitions: dg.Definitions, kept: dg.DagsterInstance, days: tuple[date, date]
) -> dg.ExecuteInProcessResult:
    return run_days(definitions.resolve_job_def("extract"), kept, *days)


@pytest.fixture(scope="module")
def computed(
    definitions: dg.Definitions,
    kept: dg.DagsterInstance,
    days: tuple[date, date],
    extracted: dg.ExecuteInProcessResult,
) -> dg.ExecuteInProcessResult:
    return run_days(definitions.resolve_job_def("compute"), kept, *days)


def materialisation(result: dg.ExecuteInProcessResult, *path: str) -> dg.AssetMaterialization:
    """The newest day's."""
    events = [one for one in result.all_events if one.is_step_materialization]
    return [one.materialization for one in events if one.asset_key == dg.AssetKey(path)][-1]


def test_a_range_of_days_is_extracted_in_one_step_per_source(
    simulation: Simulation, extracted: dg.ExecuteInProcessResult, days: tuple[date, date]
) -> None:
    assert failures(extracted) == {}
    assert made(extracted) == {f"{s.source}/{s.table.name}" for s in simulation.pipeline.catalog.streams}
    assert {event.step_key for event in extracted.all_events if event.is_step_start} == {
        f"extract_{source}" for source in simulation.pipeline.sources
    }
    partitions = {
        event.partition
        for event in extracted.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["shop", "orders"])
    }
    first, last = days
    assert partitions == {str(first + timedelta(days=index)) for index in range((last - first).days + 1)}
    metadata = materialisation(extracted, "shop", "orders").metadata
    assert metadata["rows_stored"].value == simulation.query('SELECT COUNT(*) FROM raw."shop__orders"')[0][0]


def test_models_and_kpis_are_made_published_and_checked(
    simulation: Simulation, computed: dg.ExecuteInProcessResult
) -> None:
    assert failures(computed) == {}
    beside = {"published", "cockpit/direction_fr", "cockpit/direction_en"}
    assert len(made(computed) - beside) == len(simulation.pipeline.catalog.nodes)
    assert beside <= made(computed)
    assert simulation.pipeline.settings.published_file.is_file()
    evaluations = computed.get_asset_check_evaluations()
    blocking = [one for one in evaluations if one.check_name in ("key_is_unique", "net_sales_reconcile")]
    assert len(blocking) > 10
    assert [one.asset_key for one in blocking if not one.passed] == []
    fresh = [one for one in evaluations if one.check_name == "newest_day_is_measured"]
    assert [one.asset_key for one in fresh if not one.passed] == []


def test_a_kpi_shows_its_value_and_its_trend(
    simulation: Simulation, computed: dg.ExecuteInProcessResult, days: tuple[date, date]
) -> None:
    metadata = materialisation(computed, "kpi", "sales", "orders").metadata
    orders = simulation.query(
        "SELECT numerator FROM kpi.daily WHERE kpi = 'orders' AND dimension = 'total' AND day = ?", [days[1]]
    )
    assert metadata["value"].value == float(orders[0][0])
    assert metadata["value_of_the_day"].value == f"{orders[0][0]:.0f} ({days[1]})"
    assert "EUR (2026-11-15)" in str(
        materialisation(computed, "kpi", "sales", "net_sales").metadata["value_of_the_day"]
    )
    trend = str(metadata["trend"].value)
    assert trend.count("·") == 28 - 14
    assert "█" in trend


def test_one_day_is_one_partition(
    simulation: Simulation, definitions: dg.Definitions, computed: dg.ExecuteInProcessResult,
    instance: dg.DagsterInstance, days: tuple[date, date],
) -> None:  # fmt: skip
    result = definitions.resolve_job_def("compute").execute_in_process(
        instance=instance, partition_key=days[1].isoformat(),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )  # fmt: skip
    materialised = materialisation(result, "kpi", "sales", "net_sales")
    assert materialised.partition == days[1].isoformat()
    assert materialised.metadata["days_changed"].value == 0


def test_a_failing_table_leaves_the_others_done_and_names_itself(
    simulation: Simulation, instance: dg.DagsterInstance, days: tuple[date, date]
) -> None:
    refused = AuthenticationError("stripe: the vendor refuses the credentials.", mend="Look at the key.")
    pipeline = failing(simulation, {"stripe.charges": [refused] * 9, "bank.balances": [refused] * 9})
    result = run_days(build_definitions(pipeline, AT_ONCE).resolve_job_def("extract"), instance, *days)
    assert set(failures(result)) == {"extract_stripe", "extract_bank"}
    missing = {"stripe/charges", "bank/balances"}
    assert made(result) == {f"{s.source}/{s.table.name}" for s in pipeline.catalog.streams} - missing
    (failure,) = [
        event.step_failure_data.user_failure_data
        for event in result.all_events
        if event.is_step_failure and event.step_key == "extract_stripe"
    ]
    assert failure is not None
    assert "1 of" in str(failure.description)
    assert "charges" in str(failure.description)
    assert "Look at the key." in str(failure.metadata["charges"].value)
    assert pipeline.attempts.count("stripe.charges") == 1  # asking again with the same key would not help


def test_what_may_pass_is_tried_again_without_reading_the_rest_twice(
    simulation: Simulation, instance: dg.DagsterInstance, days: tuple[date, date]
) -> None:
    pipeline = failing(
        simulation, {"stripe.charges": [SourceError("stripe: the vendor did not answer properly.")]}
    )
    result = run_days(build_definitions(pipeline, AT_ONCE).resolve_job_def("extract"), instance, *days)
    assert failures(result) == {}
    attempts = {name: pipeline.attempts.count(name) for name in pipeline.attempts}
    assert attempts.pop("stripe.charges") == 2
    assert set(attempts.values()) == {1}
    assert "stripe/charges" in made(result)


def test_an_unforeseen_error_shows_its_cause_and_stops_no_other_table(
    simulation: Simulation, instance: dg.DagsterInstance, days: tuple[date, date]
) -> None:
    pipeline = failing(simulation, {"stripe.charges": [KeyError("amount")]})
    result = run_days(build_definitions(pipeline, AT_ONCE).resolve_job_def("extract"), instance, *days)
    (said,) = failures(result).values()
    assert "KeyError" in said
    assert "stripe/refunds" in made(result)


def test_a_failing_check_keeps_wrong_numbers_from_the_kpis_and_the_readers(
    simulation: Simulation, definitions: dg.Definitions, computed: dg.ExecuteInProcessResult,
    instance: dg.DagsterInstance, days: tuple[date, date],
) -> None:  # fmt: skip
    published = simulation.pipeline.settings.published_file.stat().st_mtime_ns
    with open_warehouse(simulation.warehouse) as connection:
        connection.execute(
            "INSERT INTO model.orders SELECT * FROM model.orders WHERE day = ? LIMIT 1", [days[0]]
        )
    try:
        result = run_days(definitions.resolve_job_def("compute"), instance, days[1], days[1])
    finally:
        with open_warehouse(simulation.warehouse) as connection:
            connection.execute("DELETE FROM ops.built")  # everything is built anew
    assert set(failures(result)) == {"models"}
    assert made(result) == {"kpi/steering/data_freshness"}  # the one KPI that reads no model
    assert simulation.pipeline.settings.published_file.stat().st_mtime_ns == published
    failed = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert [(one.asset_key.to_user_string(), one.check_name) for one in failed] == [
        ("model/orders", "key_is_unique")
    ]
