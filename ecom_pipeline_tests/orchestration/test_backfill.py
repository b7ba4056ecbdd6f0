"""Backfills from the command line: chunks, what a failure leaves, and what is computed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
import pytest

from ecom_pipeline.editions import Edition
from ecom_pipeline.errors import AuthenticationError, ConfigurationError, DefinitionError
from ecom_pipeline.orchestration import backfill, checks
from ecom_pipeline.orchestration.backfill import PROCESS_TAG, BackfillOutcome, chunks_of, run_backfill
from ecom_pipeline.orchestration.keys import COMPUTING_POOL
from ecom_pipeline.orchestration.progress import Progress
from ecom_pipeline.periods import Rhythm, week_ending
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import report_files
from ecom_pipeline.settings import Settings
from ecom_pipeline.warehouse.checks import CheckResult
from ecom_pipeline_tests.orchestration.test_runs import failing
from ecom_pipeline_tests.simulation import Simulation


@pytest.fixture(scope="module")
def kept() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(autouse=True)
def without_server(monkeypatch: pytest.MonkeyPatch, kept: dg.DagsterInstance) -> None:
    """Runs are recorded in memory; the embedded server has tests of its own."""

    @contextmanager
    def in_memory(settings: Settings) -> Iterator[dg.DagsterInstance]:
        yield kept

    monkeypatch.setattr(backfill, "open_instance", in_memory)


@pytest.fixture(scope="module")
def days(simulation: Simulation) -> tuple[date, date]:
    return simulation.shop.first_day, simulation.shop.last_day


@pytest.fixture
def by_week(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "CHUNK_DAYS", 7)


def test_chunks_cover_every_day_once() -> None:
    chunks = list(chunks_of(date(2026, 1, 1), date(2026, 7, 10)))
    assert chunks == [
        (date(2026, 1, 1), date(2026, 4, 2)),
        (date(2026, 4, 3), date(2026, 7, 3)),
        (date(2026, 7, 4), date(2026, 7, 10)),
    ]


@pytest.mark.usefixtures("by_week")
def test_a_vendor_that_fails_for_a_chunk_leaves_the_rest_done_and_is_run_again_alone(
    simulation: Simulation, kept: dg.DagsterInstance, days: tuple[date, date]
) -> None:
    pipeline = failing(simulation, {"shop.orders": [AuthenticationError("shop: refused.", mend="Look.")]})
    steps: list[Progress] = []
    outcome = run_backfill(pipeline, *days, steps.append)
    (failed,) = outcome.failed
    assert (failed.what, failed.first_day, failed.last_day) == ("shop", date(2026, 11, 2), date(2026, 11, 8))
    assert "Look." in failed.reason
    assert failed.again == "ecom-pipeline backfill --from 2026-11-02 --to 2026-11-08 --source shop"
    assert day_states(simulation, "orders") == ["missing"] * 7 + ["complete"] * 7
    assert set(day_states(simulation, "ad_spend")) == {"complete"}
    assert outcome.reported == [week_ending(days[1])]
    assert {step.stage for step in steps} == {"extract", "compute", "publish", "cockpit", "report"}
    jobs = [run.job_name for run in kept.get_runs()][::-1]
    assert jobs == ["extract", "extract", "compute", "weekly_report"]

    again = run_backfill(pipeline, failed.first_day, failed.last_day, sources=["shop"], reports="none")
    assert again.ok
    assert again.reported == []
    assert day_states(simulation, "orders") == ["complete"] * 14


def test_a_check_that_holds_back_says_what_it_found(
    simulation: Simulation, days: tuple[date, date], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = CheckResult("net_sales_reconcile", False, "the books agree", {"days_that_differ": 1})
    monkeypatch.setitem(checks._BOOKS, "model.daily_sales", ("net_sales_reconcile", lambda _: found))
    outcome = run_backfill(simulation.pipeline, days[1], days[1], sources=["search"], reports="none")
    (failed,) = outcome.failed
    assert failed.what == "models"
    assert failed.reason == (
        "model/daily_sales and all that reads it are held back, for it should be that the books agree. "
        "Found: days_that_differ 1."
    )


def test_an_error_while_computing_is_told_in_its_own_words(
    simulation: Simulation, days: tuple[date, date], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DefinitionError("orders.sql cannot be read.", mend="Mend it.")

    monkeypatch.setattr(Pipeline, "compute", fail)
    outcome = run_backfill(simulation.pipeline, days[1], days[1], sources=["search"], reports="none")
    reasons = {failed.what: failed.reason for failed in outcome.failed}
    assert reasons["models"] == "orders.sql cannot be read.\nTo mend: Mend it."


def day_states(simulation: Simulation, kpi: str) -> list[str]:
    rows = simulation.query("SELECT state FROM kpi.days WHERE kpi = ? ORDER BY day", [kpi])
    return [state for (state,) in rows]


def test_all_weeks_are_reported_when_asked(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, kept: dg.DagsterInstance, days: tuple[date, date]
) -> None:
    outcome = BackfillOutcome(*days)
    run = backfill._Backfill(simulation.pipeline, kept, outcome)
    both = [week_ending(date(2026, 11, 8)), week_ending(date(2026, 11, 15))]
    assert run._periods(Rhythm.WEEKLY, "all") == both
    assert run._periods(Rhythm.WEEKLY, "newest") == both[1:]
    assert run._periods(Rhythm.WEEKLY, "none") == []
    assert run._periods(Rhythm.MONTHLY, "all") == [], "two weeks hold no whole month"
    newest = Edition(both[1], "direction", "fr")
    folder = simulation.pipeline.settings.reports_folder / "2026-W46"
    assert report_files(simulation.pipeline.settings, newest).pdf == folder / "weekly_direction_fr.pdf"


@pytest.mark.parametrize(
    ("first_day", "last_day"),
    [
        (date(2026, 11, 1), date(2026, 11, 15)),
        (date(2026, 11, 9), date(2026, 11, 8)),
        (date(2026, 11, 9), date(2026, 11, 16)),
    ],
)
def test_days_outside_the_history_are_refused(
    simulation: Simulation, first_day: date, last_day: date
) -> None:
    with pytest.raises(ConfigurationError, match=r"2026-11-02 .* to 2026-11-15"):
        run_backfill(simulation.pipeline, first_day, last_day)


def test_an_unknown_source_is_refused(simulation: Simulation, days: tuple[date, date]) -> None:
    with pytest.raises(ConfigurationError, match="stripe"):
        run_backfill(simulation.pipeline, *days, sources=["strip"])


def test_what_a_killed_backfill_left_is_ended_and_its_slot_freed(kept: dg.DagsterInstance) -> None:
    @dg.job
    def nothing() -> None: ...

    killed = kept.create_run_for_job(
        nothing, tags={PROCESS_TAG: "999999999@1"}, status=dg.DagsterRunStatus.STARTED
    )
    other = kept.create_run_for_job(
        nothing, tags=backfill._process_tags(), status=dg.DagsterRunStatus.STARTED
    )
    kept.event_log_storage.set_concurrency_slots(COMPUTING_POOL, 1)
    kept.event_log_storage.claim_concurrency_slot(COMPUTING_POOL, killed.run_id, "models")
    backfill._end_the_dead(kept)
    ended, alive = kept.get_run_by_id(killed.run_id), kept.get_run_by_id(other.run_id)
    assert ended is not None
    assert alive is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert alive.status is dg.DagsterRunStatus.STARTED
    assert kept.event_log_storage.get_concurrency_info(COMPUTING_POOL).claimed_slots == []
