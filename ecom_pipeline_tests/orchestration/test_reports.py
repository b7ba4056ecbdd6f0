"""Reports as assets: rendered for any week or month, sent for the newest one only and once."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ecom_pipeline.decisions import read_shown
from ecom_pipeline.delivery import Delivery, State
from ecom_pipeline.editions import Edition
from ecom_pipeline.errors import ConfigurationError, EcomError
from ecom_pipeline.orchestration import reports
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.keys import PARTITION_TAG
from ecom_pipeline.orchestration.partitions import period_key
from ecom_pipeline.orchestration.reports import MAIL_RETRIES
from ecom_pipeline.periods import ReportPeriod, Rhythm, newest_complete, week_ending
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import ReportDelivery, decisions_file, deliver_edition, render_edition
from ecom_pipeline.reports import shown_decisions
from ecom_pipeline.settings import load_settings
from ecom_pipeline_tests.orchestration.conftest import configured
from ecom_pipeline_tests.simulation import Simulation

MAIL = """
[mail]
host = "127.0.0.1"
port = 1
security = "none"
sender = "reports@a-shop.example"
unsubscribe = "mailto:reports@a-shop.example?subject=stop"
recipients = [{ email = "owner@a-shop.example", language = "en" }]
"""


def edition(period: ReportPeriod, language: str = "en") -> Edition:
    """The usual audience's report."""
    return Edition(period, "direction", language)


def newest_week(pipeline: Pipeline) -> ReportPeriod:
    return newest_complete(Rhythm.WEEKLY, pipeline.newest_day())


@pytest.fixture(scope="module")
def with_mail(published: Simulation) -> Pipeline:
    """The same shop with a mail server that nobody answers at."""
    return configured(published, "with_mail", MAIL)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Edition]:
    """Reports that were handed to the delivery."""
    editions: list[Edition] = []

    def deliver(pipeline: Pipeline, edition: Edition) -> ReportDelivery:
        editions.append(edition)
        return ReportDelivery(
            "weekly/x/direction/en", deliveries=(Delivery("o…@a….example", State.SENT, 1, 250, "sent"),)
        )

    monkeypatch.setattr(reports, "deliver_edition", deliver)
    return editions


def run_week_job(
    pipeline: Pipeline,
    instance: dg.DagsterInstance,
    key: str | None,
    tags: dict[str, str] | None = None,
    mail_retries: dg.RetryPolicy | None = None,
    rhythm: Rhythm = Rhythm.WEEKLY,
) -> dg.ExecuteInProcessResult:
    job = build_definitions(pipeline, mail_retries=mail_retries).resolve_job_def(f"{rhythm}_report").get_subset(
        asset_selection={dg.AssetKey([kind, f"{rhythm}_direction_en"]) for kind in ("report", "delivery")}
    )  # fmt: skip
    return job.execute_in_process(
        instance=instance, partition_key=key, tags=tags or {}, run_config=QUIET, raise_on_error=False
    )


def metadata(result: dg.ExecuteInProcessResult, kind: str) -> dict[str, object]:
    (event,) = result.asset_materializations_for_node(f"{kind}__weekly_direction_en")
    return {name: value.value for name, value in event.metadata.items()}


def test_the_newest_week_is_rendered_and_sent(
    with_mail: Pipeline, instance: dg.DagsterInstance, sent: list[Edition]
) -> None:
    newest = newest_week(with_mail)
    result = run_week_job(with_mail, instance, period_key(newest))
    assert result.success
    assert Path(str(metadata(result, "report")["pdf"])).read_bytes().startswith(b"%PDF-")
    assert sent == [edition(newest)]
    assert metadata(result, "delivery")["sent"] == 1
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert checks == {"nothing_is_missing": True, "newest_period_is_rendered": True}


@pytest.mark.parametrize("tag", ["dagster/backfill", "ecom-pipeline/backfill"])
def test_a_backfilled_week_is_rendered_and_not_sent(
    with_mail: Pipeline, instance: dg.DagsterInstance, sent: list[Edition], tag: str
) -> None:
    newest = newest_week(with_mail)
    result = run_week_job(with_mail, instance, period_key(newest), {tag: "abcdefgh"})
    assert result.success
    assert sent == []
    assert metadata(result, "delivery")["sent"] == 0
    assert "backfill" in str(metadata(result, "delivery")["not_sent_because"])


def test_an_older_week_is_not_sent_whoever_asks(with_mail: Pipeline) -> None:
    older = newest_week(with_mail).back(1)
    outcome = deliver_edition(with_mail, edition(older), resend=True)
    assert outcome.not_sent_because.endswith("is not the newest complete week")
    assert outcome.deliveries == ()


def test_a_reader_without_the_report_makes_the_delivery_fail(
    with_mail: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Delivery("o…@a….example", State.FAILED, 1, 550, "refused at recipient: 550 no such user")
    monkeypatch.setattr(
        reports, "deliver_edition", lambda *_: ReportDelivery("weekly/x/direction/en", deliveries=(refused,))
    )
    result = run_week_job(with_mail, instance, period_key(newest_week(with_mail)))
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert "1 of 1 readers" in str(failure.user_failure_data.description)


def unsent(state: State, is_temporary: bool) -> Delivery:
    return Delivery("o…@a….example", state, 1, 450, "said so", is_temporary)


TEMPORARY = ReportDelivery(
    "weekly/x/direction/en", deliveries=(unsent(State.FAILED, False), unsent(State.RETRY, True))
)
PERMANENT = ReportDelivery(
    "weekly/x/direction/en", deliveries=(unsent(State.FAILED, False), unsent(State.PLANNED, False))
)


@pytest.mark.parametrize(
    ("found", "attempts"),
    [(TEMPORARY, 3), (PERMANENT, 1), (ConfigurationError("No key.", mend="Set one."), 1)],
    ids=["temporary", "permanent", "to mend"],
)
def test_only_what_may_succeed_later_is_tried_again(
    with_mail: Pipeline,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    found: ReportDelivery | ConfigurationError,
    attempts: int,
) -> None:
    asked: list[Edition] = []

    def deliver(pipeline: Pipeline, edition: Edition) -> ReportDelivery:
        asked.append(edition)
        if isinstance(found, ConfigurationError):
            raise found
        return found

    monkeypatch.setattr(reports, "deliver_edition", deliver)
    newest = newest_week(with_mail)
    at_once = dg.RetryPolicy(max_retries=2, delay=0)
    result = run_week_job(with_mail, instance, period_key(newest), mail_retries=at_once)
    assert not result.success
    assert asked == [edition(newest)] * attempts


def test_it_is_tried_again_over_the_day() -> None:
    waits = [MAIL_RETRIES.calculate_delay(attempt) / 60 for attempt in range(1, MAIL_RETRIES.max_retries + 1)]
    assert waits == [15, 45, 105, 225, 465]


def test_without_a_mail_server_the_delivery_says_so(
    published: Simulation, instance: dg.DagsterInstance
) -> None:
    newest = newest_week(published.pipeline)
    result = run_week_job(published.pipeline, instance, period_key(newest))
    assert result.success
    assert metadata(result, "delivery")["not_sent_because"] == "no mail server is configured"


def test_a_week_that_begins_on_another_day_is_refused(
    published: Simulation, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.DagsterError, match="2026-11-11"):
        run_week_job(published.pipeline, instance, "2026-11-11")
    # A run that is launched with the tag alone, as a script may, gets past Dagster.
    result = run_week_job(published.pipeline, instance, None, {PARTITION_TAG: "2026-11-11"})
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert "No week begins on 2026-11-11" in failure.error_display_string


def test_a_dry_run_shows_any_week_and_records_nothing(with_mail: Pipeline) -> None:
    older = newest_week(with_mail).back(1)
    outcome = deliver_edition(with_mail, edition(older), dry_run=True)
    (preview,) = outcome.previews
    assert preview.would_send
    assert preview.message["Subject"]
    assert deliver_edition(with_mail, edition(older), dry_run=True).previews[0].would_send


def test_rendering_again_is_the_same_file(published: Simulation) -> None:
    newest = newest_week(published.pipeline)
    first = render_edition(published.pipeline, edition(newest, "fr")).files.pdf.read_bytes()
    assert render_edition(published.pipeline, edition(newest, "fr")).files.pdf.read_bytes() == first


def test_only_the_newest_weeks_decisions_are_remembered(published: Simulation) -> None:
    pipeline = published.pipeline
    file, newest = decisions_file(pipeline.settings), newest_week(pipeline)
    file.unlink(missing_ok=True)
    render_edition(pipeline, edition(newest.back(1), "fr"))
    assert not file.exists(), "nobody was asked to decide by a report of the past"
    expected = shown_decisions(render_edition(pipeline, edition(newest, "fr")).report)
    assert (
        list(read_shown(file, "weekly/direction", newest.last_day, newest.last_day + timedelta(1)))
        == expected
    )
    before = file.read_bytes()
    assert render_edition(pipeline, edition(newest)).report.followed == ()
    assert file.read_bytes() == before


def test_a_week_that_is_not_over_is_refused_and_the_newest_complete_one_is_named(with_mail: Pipeline) -> None:
    newest = newest_week(with_mail)
    coming = week_ending(newest.last_day + timedelta(days=7))
    with pytest.raises(ConfigurationError) as refused:
        render_edition(with_mail, edition(coming, "fr"))
    assert refused.value.what == f"The week {coming.name} is not over."
    assert str(with_mail.newest_day()) in refused.value.why
    assert newest.name in refused.value.mend
    for dry_run in (True, False):
        with pytest.raises(ConfigurationError, match="is not over"):
            deliver_edition(with_mail, edition(coming), dry_run=dry_run)


def test_nothing_is_rendered_before_anything_is_published(tmp_path: Path) -> None:
    file = tmp_path / "ecom.toml"
    file.write_text(
        '[shop]\nname = "A"\ntime_zone = "Europe/Paris"\ncurrency = "EUR"\nhistory_start = 2026-01-01\n[sources]\n'
    )
    with pytest.raises(EcomError, match="published"):
        render_edition(Pipeline(load_settings(file, {})), edition(week_ending(date(2026, 11, 15)), "fr"))
