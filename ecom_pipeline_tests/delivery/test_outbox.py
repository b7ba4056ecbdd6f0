from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from ecom_pipeline.delivery import (
    Delivery,
    DeliveryError,
    Ledger,
    Outcome,
    Recipient,
    ReportMail,
    Retries,
    Sender,
    SmtpServer,
    Stage,
    State,
    Verdict,
    deliver_report,
    preview_report,
)
from ecom_pipeline.sandbox.mail_catcher import Fault, MailCatcher, run_mail_catcher
from ecom_pipeline_tests.delivery.conftest import KEY, MakeReport


class Outbox:
    """`deliver_report` with everything but the report and its readers filled in."""

    def __init__(self, server: SmtpServer, sender: Sender, ledger: Ledger, retries: Retries) -> None:
        self.server = server
        self.sender = sender
        self.ledger = ledger
        self.retries = retries

    def deliver(self, report: ReportMail, *people: Recipient, resend: bool = False) -> list[Delivery]:
        return deliver_report(
            report, people, self.server, self.sender, self.ledger, resend=resend, retries=self.retries
        )


@pytest.fixture
def outbox(server: SmtpServer, sender: Sender, ledger: Ledger, retries: Retries) -> Outbox:
    return Outbox(server, sender, ledger, retries)


def message_ids(catcher: MailCatcher) -> list[str]:
    return [mail.message["Message-ID"] for mail in catcher.mails]


def test_each_reader_has_a_message_of_their_own(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient, paul: Recipient
) -> None:
    deliveries = outbox.deliver(report, marie, paul)
    assert [delivery.state for delivery in deliveries] == [State.SENT, State.SENT]
    assert [mail.recipients for mail in catcher.mails] == [(marie.email,), (paul.email,)]
    assert paul.email not in catcher.mails[0].path.read_text()
    assert len(set(message_ids(catcher))) == 2


def test_what_is_sent_is_not_sent_again(
    outbox: Outbox, catcher: MailCatcher, make_report: MakeReport, marie: Recipient, paul: Recipient
) -> None:
    outbox.deliver(make_report(), marie)
    second = outbox.deliver(make_report(subject="Un autre sujet"), marie, paul)
    assert [mail.recipients for mail in catcher.mails] == [(marie.email,), (paul.email,)]
    assert second[0].is_sent and second[0].attempts == 1
    assert "changed" not in second[0].explanation
    make_report().pdf_path.write_bytes(b"%PDF-1.7\nrestated\n%%EOF\n")
    (third,) = outbox.deliver(make_report(), marie)
    assert third.explanation.endswith("the report has changed since then")
    assert len(catcher.mails) == 2


def test_two_processes_do_not_deliver_at_once(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient
) -> None:
    def deliver_too() -> None:
        with Ledger(outbox.ledger.path, KEY) as ledger:
            deliver_report(report, [marie], outbox.server, outbox.sender, ledger)

    other = threading.Thread(target=deliver_too)
    with outbox.ledger.turn():
        started = outbox.ledger.start(outbox.ledger.plan(report.report_key, marie, "a" * 64), "a" * 64)
        other.start()
        other.join(0.2)
        assert other.is_alive() and catcher.mails == [], "took a delivery under way for one that was killed"
        outbox.ledger.finish(started, Outcome(Verdict.ACCEPTED, Stage.REPLY, 250, "kept"))
    other.join(20)
    assert not other.is_alive() and catcher.mails == []


def test_an_address_given_twice_counts_once(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient
) -> None:
    assert len(outbox.deliver(report, marie, Recipient(marie.email.upper(), "fr"))) == 1
    assert len(catcher.mails) == 1


def test_resending_is_a_new_message_to_all(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient
) -> None:
    outbox.deliver(report, marie)
    (again,) = outbox.deliver(report, marie, resend=True)
    assert again.is_sent
    assert len(set(message_ids(catcher))) == 2
    outbox.deliver(report, marie)
    assert len(catcher.mails) == 2


def test_what_is_refused_for_now_is_tried_again_after_the_others(
    outbox: Outbox,
    catcher: MailCatcher,
    report: ReportMail,
    marie: Recipient,
    paul: Recipient,
    waits: list[float],
) -> None:
    catcher.script.faults.append(Fault("recipient", "450 4.2.1 later", times=2, recipient=marie.email))
    deliveries = outbox.deliver(report, marie, paul)
    assert [mail.recipients for mail in catcher.mails] == [(paul.email,), (marie.email,)]
    assert [(one.state, one.attempts) for one in deliveries] == [(State.SENT, 3), (State.SENT, 1)]
    assert waits == [5.0, 30.0]


def test_patience_ends_and_the_next_run_takes_up_where_it_was(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient, waits: list[float]
) -> None:
    catcher.script.faults.append(Fault("recipient", "452 4.2.2 mailbox full", times=3))
    (delivery,) = outbox.deliver(report, marie)
    assert (delivery.state, delivery.attempts, delivery.reply_code) == (State.RETRY, 3, 452)
    assert delivery.explanation == "refused for now at recipient: 452 4.2.2 mailbox full"
    assert delivery.is_temporary
    assert catcher.mails == [] and waits == [5.0, 30.0]
    (delivery,) = outbox.deliver(report, marie)
    assert (delivery.state, delivery.attempts) == (State.SENT, 4)


def test_one_refused_for_good_does_not_stop_the_others(
    outbox: Outbox,
    catcher: MailCatcher,
    report: ReportMail,
    marie: Recipient,
    paul: Recipient,
    waits: list[float],
) -> None:
    catcher.script.faults.append(Fault("recipient", "550 5.7.1 not from you", recipient=marie.email))
    deliveries = outbox.deliver(report, marie, paul)
    assert [one.state for one in deliveries] == [State.FAILED, State.SENT]
    assert deliveries[0].explanation == "refused at recipient: 550 5.7.1 not from you"
    assert not deliveries[0].is_temporary
    assert waits == []
    assert outbox.deliver(report, marie, paul)[0].attempts == 1, "a 5xx was tried again without being asked"
    assert outbox.deliver(report, marie, resend=True)[0].state is State.SENT


def test_a_server_that_refuses_everyone_is_asked_once(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient, paul: Recipient
) -> None:
    catcher.script.faults.append(Fault("sender", "550 5.7.1 sender not allowed"))
    deliveries = outbox.deliver(report, marie, paul)
    assert [(one.state, one.attempts) for one in deliveries] == [(State.FAILED, 1), (State.PLANNED, 0)]
    assert (
        deliveries[1].explanation == "not tried: the server refuses all mail (550 5.7.1 sender not allowed)"
    )
    assert not any(one.is_temporary for one in deliveries), "a person has to mend something first"
    assert [one.state for one in outbox.deliver(report, marie, paul)] == [State.SENT, State.SENT]


@pytest.mark.parametrize("kept", [True, False])
def test_silence_after_the_message_is_answered_once_with_the_same_message(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient, kept: bool
) -> None:
    catcher.script.faults.append(Fault("reply", "drop", keeps_mail=kept))
    (delivery,) = outbox.deliver(report, marie)
    assert (delivery.state, delivery.attempts) == (State.SENT, 2)
    assert len(catcher.mails) == (2 if kept else 1)
    assert len(set(message_ids(catcher))) == 1
    assert "perhaps twice" in delivery.explanation


def test_a_server_that_never_answers_gets_no_third_copy(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient
) -> None:
    catcher.script.faults.append(Fault("reply", "drop", times=None, keeps_mail=True))
    for _ in range(3):
        (delivery,) = outbox.deliver(report, marie)
    assert (delivery.state, delivery.attempts) == (State.UNCERTAIN, 2)
    assert "resend" in delivery.explanation
    assert not delivery.is_temporary
    assert len(catcher.mails) == 2 and len(set(message_ids(catcher))) == 1


def test_a_broken_report_reaches_nobody(
    outbox: Outbox, catcher: MailCatcher, make_report: MakeReport, marie: Recipient
) -> None:
    with pytest.raises(DeliveryError):
        outbox.deliver(make_report(pdf_path=Path("/nowhere.pdf")), marie)
    assert catcher.mails == [] and outbox.ledger.load_entries() == []


def test_a_reader_of_another_language_is_refused_before_anyone_is_served(
    outbox: Outbox, catcher: MailCatcher, report: ReportMail, marie: Recipient
) -> None:
    with pytest.raises(DeliveryError, match="they read en"):
        outbox.deliver(report, marie, Recipient("john@atelier.example", "en"))
    assert catcher.mails == []


def test_a_preview_sends_and_records_nothing(
    outbox: Outbox,
    catcher: MailCatcher,
    make_report: MakeReport,
    marie: Recipient,
    paul: Recipient,
) -> None:
    report = make_report()
    outbox.deliver(report, marie)
    before = outbox.ledger.load_entries()
    previews = preview_report(report, [marie, paul], outbox.sender, outbox.ledger)
    assert [preview.would_send for preview in previews] == [False, True]
    assert previews[0].explanation.startswith("sent on ") and previews[1].explanation == "not sent yet"
    assert previews[0].message["Message-ID"] == message_ids(catcher)[0]
    assert previews[1].size_bytes > 1000 and previews[1].subject == report.subject
    (again,) = preview_report(report, [marie], outbox.sender, outbox.ledger, resend=True)
    assert again.would_send and again.message["Message-ID"] != message_ids(catcher)[0]
    assert outbox.ledger.load_entries() == before and len(catcher.mails) == 1
    with pytest.raises(DeliveryError):
        preview_report(make_report(text=""), [marie], outbox.sender, outbox.ledger)


def test_nothing_tells_an_address_or_the_password(
    tmp_path: Path,
    report: ReportMail,
    sender: Sender,
    marie: Recipient,
    ledger: Ledger,
    retries: Retries,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    login = ("postmaster-login", "s3cret-Passw0rd")
    caplog.set_level(logging.DEBUG)
    with run_mail_catcher(tmp_path / "in", security="starttls", login=login) as catcher:
        server = SmtpServer("localhost", catcher.port, "starttls", *login, 10, catcher.ca_file)
        quoting = f"450 {{recipient}} {marie.name} {login[0]} {login[1]} {server.secrets[2]}"
        catcher.script.faults += [
            Fault("login", quoting.replace("{recipient}", marie.email)),
            Fault("recipient", quoting),
            Fault("reply", quoting, times=None),
        ]
        deliveries = deliver_report(report, [marie], server, sender, ledger, retries=retries)
    assert deliveries[0].state is State.RETRY and deliveries[0].attempts == 3
    assert "m…@a….example" in caplog.text
    shown = caplog.text + repr(deliveries) + repr(server) + "".join(capfd.readouterr())
    shown += repr(ledger.load_entries())
    stored = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.glob("ledger.sqlite*"))
    assert "m\u00e2\u0080\u00a6@a" in stored, "looked into the wrong file"
    for secret in ("marie", "lefebvre", "atelier", "gérante", *login, server.secrets[2]):
        assert secret.lower() not in shown.lower(), secret
        assert secret.lower() not in stored.lower(), secret
