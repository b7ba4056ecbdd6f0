"""The cockpits as files and as assets: the newest day's, whole or not at all, never of a day of the past."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from ecom_pipeline.cockpit import Cockpit, render_cockpit
from ecom_pipeline.cockpits import cockpit_file, render_audience, render_cockpits
from ecom_pipeline.errors import EcomError
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.keys import RANGE_END_TAG, RANGE_START_TAG, cockpit_key
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import shop_audience
from ecom_pipeline.settings import load_settings
from ecom_pipeline_tests.orchestration.conftest import configured
from ecom_pipeline_tests.simulation import Simulation

AUDIENCES = """
[audiences.direction]

[audiences.marketing]
languages = ["en"]
"""


@pytest.fixture(scope="module")
def pipeline(published: Simulation) -> Pipeline:
    """The same shop with two audiences."""
    return configured(published, "with_audiences", AUDIENCES)


def run_cockpits(
    pipeline: Pipeline, instance: dg.DagsterInstance, **days: object
) -> dg.ExecuteInProcessResult:
    job = build_definitions(pipeline).resolve_job_def("compute").get_subset(
        asset_selection={cockpit_key("marketing", "en")}
    )  # fmt: skip
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False, **days)  # type: ignore[arg-type]


def told(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    events = result.asset_materializations_for_node("cockpit_marketing")
    (metadata,) = (event.metadata for event in events if event.metadata)
    return {name: value.value for name, value in metadata.items()}


def test_every_audience_has_its_files_in_its_languages(pipeline: Pipeline) -> None:
    found = render_cockpits(pipeline)
    assert [(one.audience, one.language) for one in found] == [
        ("direction", "fr"), ("direction", "en"), ("marketing", "en"),
    ]  # fmt: skip
    for one in found:
        assert one.file == cockpit_file(pipeline.settings, one.audience, one.language)
        assert one.file.parent == pipeline.settings.reports_folder / "cockpit"
        page = one.file.read_bytes()
        assert one.size_bytes == len(page) < 500_000
        assert page.startswith(b"<!DOCTYPE html>")
        assert f'<html lang="{one.language}">'.encode() in page
    assert {file.name for file in found[0].file.parent.iterdir()} == {one.file.name for one in found}


def test_a_file_is_replaced_whole_or_not_at_all(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = render_audience(pipeline, "marketing", ["en"])
    page = before.file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("ecom_pipeline.files.os.replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        render_audience(pipeline, "marketing", ["en"])
    assert before.file.read_bytes() == page
    assert not [file for file in before.file.parent.iterdir() if file.name.startswith(".")]


def test_nothing_published_is_said(tmp_path: Path, published: Simulation) -> None:
    file = tmp_path / "ecom.toml"
    file.write_text(published.pipeline.settings.file.read_text())
    empty = Pipeline(load_settings(file, {}), published.pipeline.clock)
    with pytest.raises(EcomError, match="no published warehouse"):
        render_cockpits(empty)


def test_the_newest_day_writes_the_file(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    file = cockpit_file(pipeline.settings, "marketing", "en")
    file.unlink(missing_ok=True)
    result = run_cockpits(pipeline, instance, partition_key=pipeline.newest_day().isoformat())
    assert result.success
    assert file.is_file()
    metadata = told(result)
    assert Path(str(metadata["path"])) == file
    assert metadata["open"] == file.resolve().as_uri()
    assert metadata["newest_day"] == pipeline.newest_day().isoformat()
    assert metadata["kilobytes"] == round(file.stat().st_size / 1000, 1)
    assert metadata["kpis"] == len(shop_audience(pipeline, "marketing").kpis)


def test_a_day_of_the_past_writes_none(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    file = cockpit_file(pipeline.settings, "marketing", "en")
    file.unlink(missing_ok=True)
    day = pipeline.newest_day() - timedelta(days=1)
    result = run_cockpits(pipeline, instance, partition_key=day.isoformat())
    assert result.success
    assert not file.exists()
    assert str(pipeline.newest_day()) in str(told(result)["not_rendered_because"])


def test_a_backfill_that_reaches_the_newest_day_writes_it_once(
    pipeline: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []

    def render(cockpit: Cockpit, language: str) -> str:
        rendered.append(language)
        return render_cockpit(cockpit, language)

    monkeypatch.setattr("ecom_pipeline.cockpits.render_cockpit", render)
    newest = pipeline.newest_day()
    days = {RANGE_START_TAG: (newest - timedelta(days=5)).isoformat(), RANGE_END_TAG: newest.isoformat()}
    result = run_cockpits(pipeline, instance, tags=days)
    assert result.success
    assert rendered == ["en"]
    materialised = instance.get_materialized_partitions(cockpit_key("marketing", "en"))
    assert len(materialised) == 6


def test_they_descend_from_what_their_audience_reads(pipeline: Pipeline) -> None:
    graph = build_definitions(pipeline).resolve_asset_graph()
    parents = {key.to_user_string() for key in graph.get(cockpit_key("marketing", "en")).parent_keys}
    assert {"published", "kpi/marketing/ad_spend"} <= parents
    assert "kpi/profit/cash_balance" not in parents
    assert cockpit_key("marketing", "fr") not in graph.get_all_asset_keys()
    compute = build_definitions(pipeline).resolve_job_def("compute")
    assert cockpit_key("direction", "fr") in compute.asset_layer.selected_asset_keys
