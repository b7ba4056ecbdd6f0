"""One vendor does not answer for three days: the others go on, readers are told, and its return mends it all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ecom_pipeline.editions import Edition
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.orchestration import backfill
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.backfill import BackfillOutcome, run_backfill
from ecom_pipeline.periods import week_ending
from ecom_pipeline.reporting import compute_edition, render_edition
from ecom_pipeline.sandbox.faults import FOREVER
from ecom_pipeline_tests.orchestration.conftest import AT_ONCE
from ecom_pipeline_tests.simulation import LAST_DAY, Simulation, simulate

DOWN, VENDOR = "analytics", "ga4"
DARK = [LAST_DAY - timedelta(days=back) for back in (2, 1, 0)]  # Friday to Sunday
MONDAY = LAST_DAY + timedelta(days=1)

REPORT = Edition(week_ending(LAST_DAY), "direction", "en")


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs are recorded in memory, and a vendor that fails is asked again without waiting."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:

        @contextmanager
        def in_memory(*_: Any) -> Iterator[dg.DagsterInstance]:
            yield instance

        patch.setattr(backfill, "open_instance", in_memory)
        patch.setattr(
            backfill, "build_definitions", lambda pipeline, **_: build_definitions(pipeline, AT_ONCE)
        )
        yield


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """A shop read up to the Thursday."""
    folder = tmp_path_factory.mktemp("outage")
    with simulate(folder, seed=31, days=15, orders_per_day=5, last_day=MONDAY) as simulation:
        kind: Any = type(simulation.pipeline.sources[DOWN])
        patient = kind.patience
        kind.patience = replace(patient, attempts=2, sleep=lambda _: None)
        thursday = DARK[0] - timedelta(days=1)
        simulation.set_day(thursday)
        simulation.looked.add(thursday)
        assert run_backfill(simulation.pipeline, simulation.shop.first_day, thursday, reports="none").ok
        yield simulation
        kind.patience = patient


@pytest.fixture(scope="module")
def dark(shop: Simulation) -> dict[date, BackfillOutcome]:
    """The three mornings on which the vendor did not answer."""
    shop.world.faults.arm(VENDOR, "server_error", status=503, times=FOREVER)
    return {day: morning(shop, day) for day in DARK}


@pytest.fixture(scope="module")
def told(shop: Simulation, dark: dict[date, BackfillOutcome]) -> Any:
    """Monday morning's report."""
    assert dark
    return compute_edition(shop.pipeline, REPORT), render_edition(shop.pipeline, REPORT).files.html.read_text(
        encoding="utf-8"
    )


def morning(shop: Simulation, day: date) -> BackfillOutcome:
    """The run of the morning after a day."""
    shop.set_day(day)
    shop.looked.add(day)
    return run_backfill(shop.pipeline, day, day)


def states(shop: Simulation, key: str, days: list[date]) -> set[str]:
    rows = shop.query(
        "SELECT DISTINCT state FROM kpi.days WHERE kpi = ? AND LIST_CONTAINS(?, day)", [key, days]
    )
    return {state for (state,) in rows}


def test_only_the_vendor_that_is_down_fails(shop: Simulation, dark: dict[date, BackfillOutcome]) -> None:
    for day, outcome in dark.items():
        assert [(failed.what, failed.last_day) for failed in outcome.failed] == [(DOWN, day)]
    loaded = shop.query(
        "SELECT DISTINCT source FROM ops.loaded_days WHERE day = ? AND source IN (SELECT source FROM ops.streams)",
        [DARK[-1]],
    )
    assert {source for (source,) in loaded} == set(shop.pipeline.sources) - {DOWN}


def test_what_rests_on_it_is_missing_and_the_rest_is_there(
    shop: Simulation, dark: dict[date, BackfillOutcome]
) -> None:
    assert dark
    assert states(shop, "conversion_rate", DARK) == {"missing"}
    assert states(shop, "net_sales", DARK) == states(shop, "orders", DARK) == {"complete"}


def test_the_report_goes_out_and_says_what_is_missing(told: Any) -> None:
    report, html = told
    ((source, days),) = [(one.source, one.missing_days) for one in report.incomplete.sources]
    assert (source, list(days)) == (DOWN, DARK)
    absent = {one.kpi for one in report.incomplete.kpis}
    assert "conversion_rate" in absent
    assert "net_sales" not in absent
    assert report.figures["net_sales"].current.value
    assert report.figures["conversion_rate"].current.value is None
    (title,) = {one.title for one in report.incomplete.sources}
    banner = html.partition('class="banner"')[2].partition("</div>")[0]
    assert title in banner


def test_its_return_fills_the_gap_without_a_hand(shop: Simulation, told: Any) -> None:
    assert told
    shop.world.faults.clear()
    assert morning(shop, MONDAY).ok
    for key in ("conversion_rate", "sessions"):
        assert states(shop, key, DARK) == {"complete"}
    oracle, nothing, compared = shop.oracle(), (Decimal(0), Decimal(0)), 0
    for key in sorted(set(oracle.kpis()) & set(kpis()) - {"data_freshness"}):
        shown = {
            (day, dimension, segment): (numerator or Decimal(0), denominator or Decimal(0))
            for day, dimension, segment, numerator, denominator in shop.query(
                """SELECT day, dimension, segment, numerator, denominator FROM kpi.daily
                   JOIN kpi.days USING (kpi, day) WHERE kpi = ? AND state = 'complete'""",
                [key],
            )
        }
        complete = {
            day
            for (day,) in shop.query("SELECT day FROM kpi.days WHERE kpi = ? AND state = 'complete'", [key])
        }
        truth = {cut: pair for cut, pair in oracle.compute(key).items() if cut[0] in complete}
        for cut in shown.keys() | truth.keys():
            first, second = truth.get(cut, nothing)
            assert shown.get(cut, nothing) == (first or Decimal(0), second or Decimal(0)), (key, cut)
            compared += 1
    assert compared
    assert not compute_edition(shop.pipeline, REPORT).incomplete.sources
