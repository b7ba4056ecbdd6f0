"""The lineage graph of a configuration: what is in it, what descends from what, and when it runs."""

from __future__ import annotations

import dagster as dg
import pytest

from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.jobs import request_compute
from ecom_pipeline.orchestration.keys import OWN_BACKFILL_TAG, PARTITION_TAG, RANGE_END_TAG, RANGE_START_TAG
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings

TOML = """
[shop]
name = "A shop"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = 2026-01-01
[sources.shop]
vendor = "shopify"
domain = "a-shop.myshopify.com"
[sources.outlet]
vendor = "shopify"
domain = "an-outlet.myshopify.com"
[sources.rates]
vendor = "ecb"
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    file = tmp_path_factory.mktemp("configuration") / "ecom.toml"
    file.write_text(TOML)
    return Pipeline(load_settings(file, {}))


@pytest.fixture(scope="module")
def definitions(pipeline: Pipeline) -> dg.Definitions:
    return build_definitions(pipeline)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> dg.AssetGraph:
    return definitions.resolve_asset_graph()


def test_they_load_without_any_secret(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_table_model_and_kpi_is_an_asset(pipeline: Pipeline, graph: dg.AssetGraph) -> None:
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    tables = {f"{stream.source}/{stream.table.name}" for stream in pipeline.catalog.streams}
    models = {f"model/{node.name.split('.')[1]}" for node in pipeline.catalog.models}
    kpis = {f"kpi/{kpi.family}/{kpi.key}" for kpi in pipeline.kpis.values()}
    assert {"shop/orders", "outlet/orders"} <= tables
    readers = {
        "published",
        "cockpit/direction_fr",
        "cockpit/direction_en",
        *(
            f"{kind}/{rhythm}_direction_{language}"
            for kind in ("report", "delivery")
            for rhythm in ("weekly", "monthly")
            for language in ("fr", "en")
        ),
    }
    assert keys == tables | models | kpis | readers


def test_a_kpi_descends_from_every_shop_through_models(graph: dg.AssetGraph) -> None:
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(["kpi", "sales", "net_sales"]))
    names = {key.to_user_string() for key in ancestors}
    assert {"shop/orders", "outlet/orders", "rates/rates", "model/sale_lines"} <= names
    assert not any(name.startswith("report") for name in names)


def test_the_mail_descends_from_the_report_and_the_report_from_all_kpis(
    pipeline: Pipeline, graph: dg.AssetGraph
) -> None:
    assert graph.get(dg.AssetKey(["delivery", "weekly_direction_fr"])).parent_keys == {
        dg.AssetKey(["report", "weekly_direction_fr"])
    }
    parents = graph.get(dg.AssetKey(["report", "weekly_direction_fr"])).parent_keys
    assert {dg.AssetKey(["kpi", kpi.family, kpi.key]) for kpi in pipeline.kpis.values()} < parents


def test_groups_are_the_parts_a_person_knows(pipeline: Pipeline, graph: dg.AssetGraph) -> None:
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    families = {kpi.family for kpi in pipeline.kpis.values()}
    assert groups == {
        "sources_shops", "sources_reference", "models", "published", "reports", *families,
    }  # fmt: skip


def test_every_asset_says_what_it_is_and_whose(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key


def test_what_must_not_travel_on_blocks(graph: dg.AssetGraph) -> None:
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {"key_is_unique", "net_sales_reconcile"}
    names = {key.name for key in graph.asset_check_keys} - blocking
    assert names == {
        "newest_day_is_complete", "newest_day_is_measured", "values_in_range", "is_zero", "newest_period_is_rendered",
        "nothing_is_missing", "opens_for_readers", "rates_known",
    }  # fmt: skip


def test_kpis_without_a_source_are_not_reported_late(graph: dg.AssetGraph) -> None:
    late = {key.asset_key.path[-1] for key in graph.asset_check_keys if key.name == "newest_day_is_measured"}
    assert "net_sales" in late
    assert "sessions" not in late


def test_backfills_extract_in_quarters_compute_at_once_and_report_week_by_week(
    definitions: dg.Definitions,
) -> None:
    def policy(*path: str) -> dg.BackfillPolicy | None:
        return definitions.resolve_assets_def(dg.AssetKey(path)).backfill_policy

    assert policy("shop", "orders") == dg.BackfillPolicy.multi_run(92)
    assert policy("model", "orders") == dg.BackfillPolicy.single_run()
    assert policy("kpi", "sales", "orders") == dg.BackfillPolicy.single_run()
    assert policy("report", "weekly_direction_fr") == dg.BackfillPolicy.multi_run(1)


def test_the_timetable_is_in_shop_time(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    times = {one.name: (one.cron_schedule, one.execution_timezone) for one in repository.schedule_defs}
    assert times == {
        "daily_extract": ("0 6 * * *", "Europe/Paris"),
        "late_sources": ("*/30 6-10 * * *", "Europe/Paris"),
        "weekly_report": ("*/15 7-10 * * 1", "Europe/Paris"),
        "monthly_report": ("*/15 7-10 1 * *", "Europe/Paris"),
        "weekly_sweep": ("0 4 * * 0", "Europe/Paris"),
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {
        f"compute_after_extract_{ending}" for ending in ("success", "failure", "canceled")
    }


def test_a_sweep_has_a_step_for_every_swept_table(pipeline: Pipeline, definitions: dg.Definitions) -> None:
    steps = {node.name for node in definitions.resolve_job_def("sweep_deletions").nodes}
    swept = {f"sweep_{s.source}_{s.table.name}" for s in pipeline.catalog.streams if s.table.swept}
    assert steps == swept
    assert "sweep_outlet_orders" in steps


def make_run(tags: dict[str, str]) -> dg.DagsterRun:
    return dg.DagsterRun(job_name="extract", run_id="00000000-0000-0000-0000-000000000001", tags=tags)


def test_computing_follows_the_days_of_the_extract() -> None:
    one_day = request_compute(make_run({PARTITION_TAG: "2026-11-01"}))
    assert isinstance(one_day, dg.RunRequest)
    assert one_day.partition_key == "2026-11-01"
    days = {RANGE_START_TAG: "2026-11-01", RANGE_END_TAG: "2026-11-09"}
    many = request_compute(make_run(days))
    assert isinstance(many, dg.RunRequest)
    assert many.tags == days
    assert isinstance(request_compute(make_run(days | {OWN_BACKFILL_TAG: "x"})), dg.SkipReason)
