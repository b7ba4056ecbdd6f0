"""What a data team sees: the lineage graph, an asset's page, and a backfill started from the UI."""

from __future__ import annotations

import base64
import hmac
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecom_pipeline.orchestration.keys import node_key
from ecom_pipeline.orchestration.reports import PICTURE_WIDTH
from ecom_pipeline_tests.browser.conftest import DAYS, DAYS_LEFT, SIGNING_KEY, Ui

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

REPORTS = ("report", "delivery")
LAUNCH = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
FOLLOW = """query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status
      error { message }
      runs { id status startTime endTime assetSelection { path } tags { key value } }
    }
  }
}"""
RUN = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
REPOSITORY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")


@dataclass(frozen=True)
class Launched:
    """The backfills a person has started in the UI: of the missing days, and of a week's reports."""

    daily: str
    weekly: str
    monday: date


@pytest.fixture(scope="module", autouse=True)
def launched(ui: Ui) -> Launched:
    """Started first of all: the pages are looked at while the daemon works."""
    until = ui.seeded_until
    sunday = until - timedelta(days=until.isoweekday() % 7)
    monday = sunday - timedelta(days=6)
    missing = [str(until + timedelta(days=number)) for number in range(1, DAYS_LEFT + 1)]
    return Launched(
        daily=launch(ui, [key for key in ui.assets if key[0] not in REPORTS], missing),
        weekly=launch(
            ui,
            [key for key in ui.assets if key[0] in REPORTS and key[1].startswith("weekly_")],
            [str(monday)],
        ),
        monday=monday,
    )


def launch(ui: Ui, assets: list[list[str]], partitions: list[str]) -> str:
    """Press the button of the launch dialog: the backfill's id."""
    params = {"assetSelection": [{"path": path} for path in assets], "partitionNames": partitions}
    answer = ui.query(LAUNCH, params=params)["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    return str(answer["backfillId"])


def ended(ui: Ui, backfill: str) -> list[dict[str, Any]]:
    """Wait for the end of a backfill that must succeed: its runs, in order."""

    def at_end() -> dict[str, Any] | None:
        state: dict[str, Any] = ui.query(FOLLOW, id=backfill)["partitionBackfillOrError"]
        return state if state["status"] in ENDED else None

    state = ui.until(at_end, f"backfill {backfill} ends")
    assert state["status"] == "COMPLETED_SUCCESS", f"{state}\n{ui.complaints()}"
    assert {run["status"] for run in state["runs"]} == {"SUCCESS"}
    return sorted(state["runs"], key=lambda run: float(run["startTime"]))


def kinds_of(run: dict[str, Any]) -> set[str]:
    """Where its assets stand: sources by name, models, KPIs, what is published."""
    return {key["path"][0] for key in run["assetSelection"]}


def partitions_of(run: dict[str, Any]) -> tuple[str, str]:
    """First and last partition of a run."""
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    if "dagster/partition" in tags:
        return tags["dagster/partition"], tags["dagster/partition"]
    return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]


def in_graph(page: Page, name: str) -> Locator:
    """The box in the drawn graph with the name in it."""
    return page.locator("svg foreignObject").filter(has=page.get_by_text(name, exact=True)).first


def test_the_lineage_graph_shows_every_stage_from_vendor_to_report(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/asset-groups")
    page.get_by_text("Global asset lineage").wait_for()
    pipeline = ui.simulation.pipeline
    families = {node.kpi.family for node in pipeline.catalog.kpi_nodes if node.kpi}
    sources = {f"sources_{source.family}" for source in pipeline.sources.values()}
    for group in (*sources, "models", *families, "published"):
        in_graph(page, group).wait_for()
    reports, models = (in_graph(page, group).bounding_box() for group in ("reports", "models"))
    shop = in_graph(page, "sources_shops").bounding_box()
    assert shop
    assert models
    assert reports
    assert shop["x"] < models["x"] < reports["x"]  # read from left to right


@pytest.mark.parametrize("group", ["sources_shops", "sales"])
def test_a_group_opens_into_its_assets(ui: Ui, page: Page, group: str) -> None:
    page.goto(f"{ui.url}/locations/ecom_pipeline/asset-groups/{group}/lineage")
    catalog = ui.simulation.pipeline.catalog
    names = {
        "sources_shops": [stream.table.name for stream in catalog.streams if stream.source == "shop"],
        "sales": [node.kpi.key for node in catalog.kpi_nodes if node.kpi and node.kpi.family == "sales"],
    }[group]
    assert len(names) > 2
    for name in names:
        box = in_graph(page, name)
        box.get_by_text("Partitions", exact=True).wait_for()
        box.get_by_text(re.compile(r"\d+ / \d+ Passed")).wait_for()


def test_a_kpis_page_says_what_it_is_and_what_it_came_to(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/kpi/sales/net_sales")
    ((cents,),) = ui.simulation.query(
        "SELECT numerator FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'total' AND day = ?",
        [ui.seeded_until],
    )
    # The page shows the newest value; the backfill may have brought a newer one meanwhile.
    page.get_by_text(re.compile("Gross merchandise value less discounts and returns")).first.wait_for()
    for key in ("value_of_the_day", "value_of_the_week", "trend", "definition_fr", "sql"):
        page.get_by_text(key, exact=True).first.wait_for()
    page.get_by_text(re.compile("FROM model.sale_lines")).first.wait_for()
    page.goto(f"{ui.url}/assets/kpi/sales/net_sales?view=partitions&partition={ui.seeded_until}")
    page.get_by_text(f"{DAYS} Partitions Selected").wait_for()
    page.get_by_text(re.compile(rf"^{cents:.2f} .*\({ui.seeded_until}\)")).wait_for()
    trend = page.get_by_text(re.compile("[▁▂▃▄▅▆▇█·]{28}")).first.inner_text()
    assert set("▁█") <= set(trend)


def test_a_backfill_from_the_ui_reads_then_computes_and_fills_every_day(
    ui: Ui, page: Page, launched: Launched
) -> None:
    runs = ended(ui, launched.daily)
    simulation = ui.simulation
    missing = (str(ui.seeded_until + timedelta(days=1)), str(simulation.shop.last_day))
    assert {partitions_of(run) for run in runs} == {missing}
    sources = set(simulation.pipeline.sources)
    (extract,) = [run for run in runs if kinds_of(run) <= sources]
    assert kinds_of(extract) == sources
    computing = [run for run in runs if run is not extract]
    assert set().union(*map(kinds_of, computing)) == {
        "model",
        "kpi",
        "published",
        "cockpit",
        "alert",
    }
    early = [run for run in computing if run["startTime"] < extract["endTime"]]
    assert len(early) < len(computing)
    # What no source feeds need not wait for them.
    catalog = simulation.pipeline.catalog
    fed = {
        tuple(node_key(node).path)
        for node in catalog.nodes
        if "ops.source_days" in node.inputs or any(map(catalog.feeding, catalog.canonical_inputs(node.name)))
    }
    assert not fed & {tuple(key["path"]) for run in early for key in run["assetSelection"]}
    known = simulation.query("SELECT COUNT(*) FROM kpi.days WHERE kpi = 'net_sales' AND state = 'complete'")
    assert known == [(DAYS,)]

    page.goto(f"{ui.url}/assets/kpi/sales/net_sales?view=partitions")
    page.get_by_text(f"Materialized ({DAYS})").wait_for()
    page.goto(f"{ui.url}/assets/kpi/sales/net_sales?view=checks")
    page.get_by_text("newest_day_is_measured").first.wait_for()
    page.get_by_text("Passed", exact=True).wait_for()
    page.goto(f"{ui.url}/runs/b/{launched.daily}")
    page.get_by_text("Completed").first.wait_for()


def test_a_week_rendered_from_the_ui_is_sent_to_nobody(ui: Ui, page: Page, launched: Launched) -> None:
    runs = ended(ui, launched.weekly)
    assert {partitions_of(run) for run in runs} == {(str(launched.monday), str(launched.monday))}
    rendered = sorted(file.name for file in ui.simulation.pipeline.settings.reports_folder.rglob("*.pdf"))
    assert rendered == ["weekly_direction_en.pdf", "weekly_direction_fr.pdf"]
    page.goto(f"{ui.url}/assets/delivery/weekly_direction_fr?view=partitions&partition={launched.monday}")
    page.get_by_text("it is part of a backfill").wait_for()
    page.goto(f"{ui.url}/assets/report/weekly_direction_fr?view=partitions&partition={launched.monday}")
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.get_by_alt_text("First page")
    picture.wait_for()
    assert str(picture.get_attribute("src")).startswith("data:image/png;base64,")
    assert picture.evaluate("image => image.naturalWidth") == PICTURE_WIDTH


def test_the_daemon_sends_a_mornings_alert_by_itself(ui: Ui, launched: Launched) -> None:
    ended(ui, launched.daily)
    (found,) = ui.query(REPOSITORY)["repositoriesOrError"]["nodes"]
    day = str(ui.simulation.shop.last_day)
    params = {
        "selector": {
            "repositoryName": found["name"], "repositoryLocationName": found["location"]["name"], "jobName": "compute",
        },
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": day}]},
        "runConfigData": {},
        "mode": "default",
    }  # fmt: skip
    assert not ui.hooks.caught, "a backfill alerts nobody"
    answer = ui.query(RUN, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    caught = ui.until(lambda: next(iter(ui.hooks.caught), None), "the day's figures arrive")
    alert = json.loads(caught.body)
    assert (alert["kind"], alert["day"]) == ("daily", day)
    signed = b".".join(
        [caught.headers["webhook-id"].encode(), caught.headers["webhook-timestamp"].encode(), caught.body]
    )
    expected = base64.b64encode(hmac.digest(SIGNING_KEY.encode(), signed, "sha256")).decode()
    assert caught.headers["webhook-signature"] == f"v1,{expected}"
