"""Readers at the terminal, in the graph and before the doctor: who gets mail, who does not any more, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from ecom_pipeline.cli import app
from ecom_pipeline.delivery import DeliveryError, InboxReading
from ecom_pipeline.doctor import examine
from ecom_pipeline.editions import Edition
from ecom_pipeline.orchestration import mailbox
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.orchestration.mailbox import READ_MAILBOX
from ecom_pipeline.orchestration.partitions import period_key
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.readers import suppress_reader
from ecom_pipeline.reporting import deliver_edition, render_edition
from ecom_pipeline.sandbox.mail_catcher import Fault, MailCatcher, run_mail_catcher
from ecom_pipeline.settings import load_settings
from ecom_pipeline_tests.simulation import Simulation, simulate

READER, OTHER = "lectrice@maison.example", "owner@maison.example"
MAIL = """
[storage]
folder = "{folder}"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "rapport@maison.example"
recipients = [
  {{ email = "lectrice@maison.example", name = "Lectrice", language = "fr" }},
  {{ email = "owner@maison.example", language = "en" }},
]
[alerts]
recipients = [{{ email = "owner@maison.example", language = "en", kinds = ["failures"] }}]
"""
INBOX = '[mail.inbox]\nhost = "127.0.0.1"\nport = 9\nusername = "rapport"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(tmp_path_factory.mktemp("shop"), seed=5, days=14, orders_per_day=3) as simulation:
        simulation.run()
        simulation.pipeline.publish()
        week = newest_complete(Rhythm.WEEKLY, simulation.pipeline.newest_day())
        for language in ("fr", "en"):
            render_edition(simulation.pipeline, Edition(week, "direction", language))
        yield simulation


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with run_mail_catcher(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def config(shop: Simulation, catcher: MailCatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop's `ecom.toml` with two readers, its rendered reports, and a ledger of its own."""
    settings = shop.pipeline.settings
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "published").symlink_to(settings.published_file.parent)
    shutil.copytree(settings.reports_folder, folder / "reports")
    file = tmp_path / "ecom.toml"
    text = settings.file.read_text()
    assert "[storage]" not in text and "[mail]" not in text
    file.write_text(text + MAIL.format(folder=folder, port=catcher.port))
    (tmp_path / ".env").write_text((settings.file.parent / ".env").read_text())
    newest_day = shop.pipeline.newest_day()
    monkeypatch.setattr(Pipeline, "newest_day", lambda _: newest_day)
    return file


def call(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def told(result: Result, code: int = 0) -> str:
    assert result.exit_code == code, result.output
    assert READER not in result.output and OTHER not in result.output
    return " ".join(result.output.split())


def test_a_report_that_all_have_is_sent_again_on_request_only(config: Path, catcher: MailCatcher) -> None:
    assert "sent on" in told(call(config, "send"))
    assert len(catcher.mails) == 2
    said = told(call(config, "send"), 1)
    assert "the report was sent before" in said and "2 readers have it already" in said
    assert "ecom-pipeline send --resend" in said and "sent before" in said
    assert len(catcher.mails) == 2
    told(call(config, "send", "--resend"))
    assert len(catcher.mails) == 4
    assert len({mail.message["Message-ID"] for mail in catcher.mails}) == 4


def test_who_has_it_does_not_keep_it_from_who_has_not(config: Path, catcher: MailCatcher) -> None:
    told(call(config, "send", "--language", "fr"))
    said = told(call(config, "send"))
    assert "sent before" in said
    assert [mail.recipients for mail in catcher.mails] == [(READER,), (OTHER,)]


def test_the_mail_carries_the_first_page_as_a_small_picture(config: Path, catcher: MailCatcher) -> None:
    told(call(config, "send", "--language", "fr"))
    (mail,) = catcher.mails
    (picture,) = (part for part in mail.message.walk() if part.get_content_type() == "image/png")
    content = picture.get_payload(decode=True)
    assert isinstance(content, bytes) and content.startswith(b"\x89PNG")
    assert len(content) < 300_000
    assert int.from_bytes(content[16:20]) == 1104 and content[25] == 3, (
        "twice the width shown, with a palette"
    )


def test_a_suppressed_reader_is_listed_skipped_and_allowed_again(config: Path, catcher: MailCatcher) -> None:
    assert told(call(config, "readers")).count("gets mail") == 3
    assert "gets no more mail." in told(call(config, "readers", "suppress", READER.upper()))
    assert "as before" in told(call(config, "readers", "suppress", READER))
    listed = json.loads(call(config, "readers", "--json").stdout)
    assert [(one["reader"], one["audience"], one["reason"]) for one in listed] == [
        ("l…@m….example", "direction", "unsubscribed"),
        ("o…@m….example", "direction", None),
        ("o…@m….example", "alerts", None),
    ]
    assert "would not be sent" in told(call(config, "send", "--dry-run", "--language", "fr"))
    assert "suppressed" in told(call(config, "send"))
    assert [mail.recipients for mail in catcher.mails] == [(OTHER,)]
    assert "no reader wants or can receive mail" in told(call(config, "send", "--language", "fr"), 1)
    assert "gets mail again" in told(call(config, "readers", "allow", READER))
    told(call(config, "send"))
    assert [mail.recipients for mail in catcher.mails] == [(OTHER,), (READER,)]


def test_an_address_that_nobody_has_is_refused_and_not_shown(config: Path) -> None:
    for command in ("suppress", "allow"):
        result = call(config, "readers", command, "nobody@other.example")
        assert "Nobody reads at n…@o….example" in told(result, 2)
        assert "nobody@other" not in result.output
        assert call(config, "readers", command, "nonsense").exit_code == 1


def test_without_a_mailbox_there_is_none_of_it(config: Path) -> None:
    assert "No mailbox is configured" in told(call(config, "readers", "inbox"), 2)
    definitions = build_definitions(Pipeline(load_settings(config)))
    assert READ_MAILBOX not in [job.name for job in definitions.jobs or ()]


def test_the_doctor_tells_of_the_suppressed_and_tries_the_mailbox(config: Path, catcher: MailCatcher) -> None:
    catcher.script.faults.append(Fault("recipient", "550 5.1.1 no such user"))
    assert "Not every reader has the report" in told(call(config, "send", "--language", "fr"), 1)

    def findings() -> dict[str, tuple[str, str]]:
        for area in examine(Pipeline(load_settings(config))):
            if area.area == "mail":
                return {one.subject: (one.state, one.detail) for one in area.findings}
        raise AssertionError("the mail was not examined")

    found = findings()
    assert found["reader l…@m….example"][0] == "warning"
    assert "bounced (5.1.1) since" in found["reader l…@m….example"][1]
    assert "mailbox" not in found
    config.write_text(config.read_text() + INBOX)
    state, detail = findings()["mailbox"]
    assert state == "error" and "ECOM_IMAP_PASSWORD is not set" in detail
    with (config.parent / ".env").open("a") as dotenv:
        dotenv.write("\nECOM_IMAP_PASSWORD=an-imap-password\n")
    state, detail = findings()["mailbox"]
    assert state == "error" and "connecting failed" in detail
    assert "an-imap-password" not in str(findings())


@pytest.fixture
def with_inbox(config: Path) -> Pipeline:
    config.write_text(config.read_text() + INBOX)
    return Pipeline(load_settings(config))


def read_in_the_graph(pipeline: Pipeline, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = build_definitions(pipeline).resolve_job_def(READ_MAILBOX)
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_the_graph_reads_the_mailbox_every_hour_and_shows_what_it_found(
    with_inbox: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = InboxReading(3, ("m…@a….example (5.1.1)",), ("p…@a….example",), (), 1)
    monkeypatch.setattr(mailbox, "read_mailbox", lambda _: found)
    result = read_in_the_graph(with_inbox, instance)
    assert result.success
    (output,) = [
        event.step_output_data for event in result.all_events if event.event_type_value == "STEP_OUTPUT"
    ]
    shown = {name: value.value for name, value in output.metadata.items()}
    assert shown == {
        "messages": 3,
        "bounced": "- m…@a….example (5.1.1)",
        "unsubscribed": "- p…@a….example",
        "about_nobody_here": 1,
    }
    schedules = {one.name: one for one in build_definitions(with_inbox).schedules or ()}
    schedule = schedules["hourly_mailbox"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.job_name, schedule.cron_schedule) == (READ_MAILBOX, "50 * * * *")


def test_a_mailbox_that_cannot_be_read_fails_with_what_to_mend(
    with_inbox: Pipeline, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Pipeline) -> InboxReading:
        raise DeliveryError("The mailbox at h cannot be read", "logging in failed: no", "Check the password")

    monkeypatch.setattr(mailbox, "read_mailbox", fail)
    result = read_in_the_graph(with_inbox, instance)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert "Check the password" in str(failure.user_failure_data.description)


def test_materialising_a_delivery_again_sends_nothing_again(
    config: Path, catcher: MailCatcher, instance: dg.DagsterInstance
) -> None:
    pipeline = Pipeline(load_settings(config))
    week = newest_complete(Rhythm.WEEKLY, pipeline.newest_day())
    suppress_reader(pipeline, READER)
    definitions = build_definitions(pipeline)
    deliveries = {dg.AssetKey(["delivery", f"weekly_direction_{language}"]) for language in ("fr", "en")}
    shown = []
    for _ in range(2):
        job = definitions.resolve_job_def("weekly_report").get_subset(asset_selection=deliveries)
        result = job.execute_in_process(
            instance=instance, partition_key=period_key(week), run_config=QUIET, raise_on_error=False
        )
        assert result.success
        for language in ("fr", "en"):
            (event,) = result.asset_materializations_for_node(f"delivery__weekly_direction_{language}")
            values = {name: value.value for name, value in event.metadata.items()}
            shown.append(tuple(values[name] for name in ("sent", "sent_before", "suppressed")))
    assert shown == [(0, 0, 1), (1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert [mail.recipients for mail in catcher.mails] == [(OTHER,)]
    assert deliver_edition(pipeline, Edition(week, "direction", "en")).deliveries[0].was_sent_before
