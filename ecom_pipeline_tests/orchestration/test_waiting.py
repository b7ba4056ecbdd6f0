"""When a report goes out: once its sources are in, at the latest at the hour the shop chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.orchestration.alerts import find_in_run
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.keys import LATE_TAG
from ecom_pipeline.orchestration.waiting import ask_again, late_sources, reason_to_wait
from ecom_pipeline.periods import week_ending
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings

SUNDAY = date(2026, 11, 22)
WEEK = week_ending(SUNDAY)
Tick = Callable[[str, datetime], tuple[list[dg.RunRequest], str]]
SHOP = """
[shop]
name = "A"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = 2026-01-01
[report]
send_from = 07:30:00
wait_until = 09:45:00
[sources.rates]
vendor = "ecb"
[sources.other]
vendor = "ecb"
"""
TITLES = {"rates": "Rates", "other": "Other rates"}


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    file = tmp_path / "ecom.toml"
    file.write_text(SHOP)
    return Pipeline(load_settings(file, {}), lambda: at(8))


def at(hour: int, minute: int = 0) -> datetime:
    """Monday at a time of the shop's, as an instant."""
    return datetime(2026, 11, 23, hour - 1, minute, tzinfo=UTC)


def publish(pipeline: Pipeline, missing: dict[str, list[date]], until: date = SUNDAY) -> None:
    """A published copy in which each source has its days but those."""
    file = pipeline.settings.published_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA ops")
        connection.execute("CREATE TABLE ops.sources (source VARCHAR, vendor VARCHAR, title VARCHAR)")
        connection.execute(
            "CREATE TABLE ops.source_days (source VARCHAR, day DATE, is_complete BOOLEAN, is_on_time BOOLEAN, "
            "loaded_at TIMESTAMP)"
        )
        for source, title in TITLES.items():
            connection.execute("INSERT INTO ops.sources VALUES (?, 'ecb', ?)", [source, title])
            for back in range(14):
                day = until - timedelta(days=back)
                is_there = day not in missing.get(source, [])
                row = [source, day, is_there, is_there, None]
                connection.execute("INSERT INTO ops.source_days VALUES (?, ?, ?, ?, ?)", row)


@pytest.mark.parametrize(
    ("now", "missing", "said"),
    [
        (at(7, 15), {}, "from 07:30 on"),
        (at(7, 30), {}, ""),
        (at(7, 30), {"other": [SUNDAY]}, "until 09:45 for Other rates"),
        (at(9, 30), {"other": [SUNDAY - timedelta(days=3)]}, "until 09:45 for Other rates"),
        (at(9, 30), {"other": [SUNDAY - timedelta(days=7)]}, ""),  # the week before is no longer waited for
        (at(9, 45), {"other": [SUNDAY]}, ""),
    ],
)
def test_a_report_waits_for_the_days_of_its_week_until_the_hour(
    pipeline: Pipeline, now: datetime, missing: dict[str, list[date]], said: str
) -> None:
    publish(pipeline, missing)
    reason = reason_to_wait(pipeline, WEEK, now)
    assert said in reason if said else not reason


def test_before_anything_is_published_it_waits_and_then_fails_loudly(pipeline: Pipeline) -> None:
    assert "Nothing is published yet" in reason_to_wait(pipeline, WEEK, at(8))
    assert reason_to_wait(pipeline, WEEK, at(10)) == "", "the run then says what is wrong"


def test_a_day_that_was_never_computed_is_waited_for(pipeline: Pipeline) -> None:
    publish(pipeline, {}, until=SUNDAY - timedelta(days=1))
    assert "Rates, Other rates" in reason_to_wait(
        pipeline, WEEK, at(8)
    ) or "Other rates, Rates" in reason_to_wait(pipeline, WEEK, at(8))


def test_only_what_lacks_yesterday_is_asked_again(pipeline: Pipeline) -> None:
    publish(pipeline, {"other": [SUNDAY], "rates": [SUNDAY - timedelta(days=2)]})
    assert late_sources(pipeline, SUNDAY) == ["other"]
    asked = ask_again(pipeline, SUNDAY, at(8))
    assert isinstance(asked, dg.RunRequest)
    assert asked.partition_key == str(SUNDAY)
    assert {key.path[0] for key in asked.asset_selection or ()} == {"other"}
    assert asked.tags[LATE_TAG] == "other"
    publish(pipeline, {})
    assert isinstance(ask_again(pipeline, SUNDAY, at(8)), dg.SkipReason)


def test_nothing_is_asked_again_before_the_mornings_computing(pipeline: Pipeline) -> None:
    assert late_sources(pipeline, SUNDAY) == []
    publish(pipeline, {}, until=SUNDAY - timedelta(days=1))
    assert late_sources(pipeline, SUNDAY) == []


@pytest.fixture
def repository(pipeline: Pipeline) -> dg.RepositoryDefinition:
    return build_definitions(pipeline).get_repository_def()


@pytest.fixture(scope="module")
def stored() -> Iterator[dg.DagsterInstance]:
    """An instance with a folder, which a schedule can find again."""
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def tick(repository: dg.RepositoryDefinition, stored: dg.DagsterInstance) -> Tick:
    return partial(_tick, repository, stored)


def _tick(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, name: str, now: datetime
) -> tuple[list[dg.RunRequest], str]:
    """What a schedule asks for at an instant, and why nothing when it is nothing."""
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=now, repository_def=repository
    )
    data = repository.get_schedule_def(name).evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message or ""


def test_the_schedule_waits_then_asks_for_one_run_a_week(pipeline: Pipeline, tick: Tick) -> None:
    publish(pipeline, {"other": [SUNDAY]})
    requests, said = tick("weekly_report", at(8))
    assert not requests and "Other rates" in said
    publish(pipeline, {})
    first, _ = tick("weekly_report", at(8, 15))
    second, _ = tick("weekly_report", at(8, 30))
    assert [one.partition_key for one in first] == ["2026-11-16"]
    assert first[0].run_key == second[0].run_key == "weekly/2026-W47", "Dagster starts one run for one key"


def test_the_month_goes_out_on_its_first_day(pipeline: Pipeline, tick: Tick) -> None:
    publish(pipeline, {}, until=date(2026, 11, 30))
    requests, _ = tick("monthly_report", datetime(2026, 12, 1, 8, 45, tzinfo=UTC))
    assert [(one.partition_key, one.run_key) for one in requests] == [("2026-11-01", "monthly/2026-11")]


def test_late_sources_are_asked_until_the_reports_no_longer_wait(pipeline: Pipeline, tick: Tick) -> None:
    publish(pipeline, {"other": [SUNDAY]})
    requests, _ = tick("late_sources", at(8))
    assert len(requests) == 1
    requests, said = tick("late_sources", at(10))
    assert not requests and "no longer wait" in said


def test_asking_again_alarms_nobody_twice() -> None:
    run = dg.DagsterRun(
        job_name="extract",
        run_id="00000000-0000-0000-0000-000000000001",
        status=dg.DagsterRunStatus.FAILURE,
        tags={LATE_TAG: "other"},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        assert find_in_run(run, instance) is None


def test_waiting_ends_after_sending_may_begin(tmp_path: Path) -> None:
    file = tmp_path / "ecom.toml"
    file.write_text(SHOP.replace("09:45:00", "07:00:00"))
    with pytest.raises(ConfigurationError, match="wait_until comes before send_from"):
        load_settings(file, {})
    file.write_text(SHOP.replace("[report]\nsend_from = 07:30:00\nwait_until = 09:45:00\n", ""))
    report = load_settings(file, {}).report
    assert (report.send_from, report.wait_until) == (time(7), time(10))
