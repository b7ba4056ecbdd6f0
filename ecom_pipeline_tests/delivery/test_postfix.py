"""Mail handed to a real Postfix: arrives whole and once, is refused and deferred as its own words say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from ecom_pipeline.delivery import (
    Alert,
    AlertBox,
    Ledger,
    MailReceiver,
    Recipient,
    ReportMail,
    Sender,
    SmtpServer,
    State,
    check_server,
    deliver_alerts,
    deliver_report,
)
from ecom_pipeline.delivery.outbox import Retries

from .conftest import KEY, MakeReport
from .cut_line import Moment, cut_line
from .postfix import DOMAIN, FULL, PEOPLE, REPLIES, STAGES, Postfix, run_postfix, why_not
from .victims import (
    KILL_POINTS,
    KILLED,
    MAY_HAVE_ARRIVED,
    SENDER,
    Victims,
    ledger_in,
    readers,
    report_in,
    run_victims,
)

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

AT_ONCE = Retries((), lambda _seconds: None)


@pytest.fixture(scope="module")
def running() -> Iterator[Postfix]:
    with run_postfix() as running:
        yield running


@pytest.fixture
def postfix(running: Postfix) -> Iterator[Postfix]:
    """The server with empty mailboxes."""
    yield running
    running.empty()


@pytest.fixture
def server(postfix: Postfix) -> SmtpServer:
    return SmtpServer(postfix.host, postfix.port, "none", timeout_seconds=20)


def test_a_report_arrives_whole_at_each_reader_and_once(
    postfix: Postfix, server: SmtpServer, sender: Sender, ledger: Ledger, report: ReportMail,
    marie: Recipient, paul: Recipient,
) -> None:  # fmt: skip
    for _ in range(2):
        done = deliver_report(report, [marie, paul], server, sender, ledger, retries=AT_ONCE)
        assert [one.state for one in done] == [State.SENT, State.SENT]
    (to_marie,), (to_paul,) = postfix.mails_of("marie.lefebvre", 1), postfix.mails_of("paul", 1)
    assert to_marie["Message-ID"] != to_paul["Message-ID"]
    assert (to_marie["Subject"], to_marie["To"].addresses[0].display_name) == (report.subject, marie.name)
    assert f"@{sender.domain}>" in to_marie["Message-ID"]
    assert text_of(to_marie, "plain") == report.text
    assert "Résultat : 1 234,50 €" in text_of(to_marie, "html")
    (pdf,) = to_marie.iter_attachments()
    assert isinstance(pdf, EmailMessage)
    assert pdf.get_content() == report.pdf_path.read_bytes()
    assert pdf.get_filename() == report.pdf_name


def text_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_the_line_is_encrypted_and_the_certificate_verified(
    postfix: Postfix, sender: Sender, ledger: Ledger, report: ReportMail, paul: Recipient, tmp_path: Path
) -> None:
    trusted = SmtpServer(
        postfix.certified_host, postfix.port, "starttls", timeout_seconds=20, ca_file=postfix.ca_file
    )
    assert check_server(trusted).ok, check_server(trusted).problem
    (done,) = deliver_report(report, [paul], trusted, sender, ledger, retries=AT_ONCE)
    assert done.is_sent
    (mail,) = postfix.mails_of("paul", 1)
    assert "with ESMTPS" in str(mail["Received"]), "it came in the clear"
    unknown = SmtpServer(postfix.certified_host, postfix.port, "starttls", timeout_seconds=20)
    with Ledger(tmp_path / "other.sqlite", KEY) as other:
        (refused,) = deliver_report(report, [paul], unknown, sender, other, retries=AT_ONCE)
    assert refused.state is State.FAILED and "certificate" in refused.explanation
    postfix.mails_of("paul", 1)


def test_a_stranger_is_refused_for_good_and_the_others_are_served(
    postfix: Postfix, server: SmtpServer, sender: Sender, ledger: Ledger, report: ReportMail, paul: Recipient
) -> None:
    stranger = Recipient(f"nobody.here@{DOMAIN}", "fr")
    refused, sent = deliver_report(report, [stranger, paul], server, sender, ledger, retries=AT_ONCE)
    assert (refused.state, refused.reply_code, refused.is_temporary) == (State.FAILED, 550, False)
    assert "nobody.here" not in refused.explanation, "Postfix quotes the address"
    assert sent.is_sent
    postfix.mails_of("paul", 1)


def test_a_full_mailbox_is_tried_again_until_it_has_room(
    postfix: Postfix, server: SmtpServer, sender: Sender, ledger: Ledger, report: ReportMail
) -> None:
    person = Recipient(FULL, "fr")
    postfix.refuse(FULL, "452 4.2.2 mailbox full")
    (deferred,) = deliver_report(report, [person], server, sender, ledger, retries=AT_ONCE)
    assert (deferred.state, deferred.reply_code, deferred.is_temporary) == (State.RETRY, 452, True)
    postfix.refuse(FULL, "")
    (sent,) = deliver_report(report, [person], server, sender, ledger, retries=AT_ONCE)
    assert (sent.state, sent.attempts) == (State.SENT, 2)
    postfix.mails_of("full", 1)


def test_a_server_that_is_down_gets_it_when_it_is_back(
    postfix: Postfix, server: SmtpServer, sender: Sender, ledger: Ledger, report: ReportMail, paul: Recipient
) -> None:
    postfix.stop()
    try:
        (waiting,) = deliver_report(report, [paul], server, sender, ledger, retries=AT_ONCE)
    finally:
        postfix.start()
    assert waiting.state is State.RETRY and waiting.is_temporary
    (sent,) = deliver_report(report, [paul], server, sender, ledger, retries=AT_ONCE)
    assert sent.is_sent
    postfix.mails_of("paul", 1)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with run_victims() as running:
        yield running


@contextmanager
def misbehaving(postfix: Postfix, outcome: str) -> Iterator[int]:
    """A port at which the server, or the line to it, behaves as the outcome says."""
    what, _, where = outcome.partition(" ")
    if what == "accepted":
        yield postfix.port
    elif what in REPLIES:
        yield postfix.refusing[where.removeprefix("at "), what]
    else:
        moment: Moment = where  # type: ignore[assignment]
        with cut_line(postfix.port, moment, "silent" if what == "timeout" else "dropped") as port:
            yield port


OUTCOMES = [
    "accepted",
    *(f"{kind} at {stage}" for stage in STAGES for kind in REPLIES),
    *(f"dropped {moment}" for moment in ("before the data", "in the data", "after the data")),
    *(f"timeout {moment}" for moment in ("before the data", "after the data")),
]
SILENCE = 1.0
"""Seconds without an answer that these tests take for a timeout; enough for any answer that is to come."""


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_is_told_and_followed_as_it_should(
    outcome: str, postfix: Postfix, ledger: Ledger, sender: Sender, report: ReportMail,
    marie: Recipient,
) -> None:  # fmt: skip
    if outcome.endswith("in the data"):
        # More than travels at once, so that the line is cut while the message is still on its way.
        report.pdf_path.write_bytes(b"%PDF-1.7\n" + b"\0" * 5_000_000 + b"%%EOF")
    with misbehaving(postfix, outcome) as port:
        seconds = SILENCE if outcome.startswith("timeout") else 20
        server = SmtpServer("127.0.0.1", port, "none", timeout_seconds=seconds)
        (first,) = deliver_report(report, [marie], server, sender, ledger, retries=AT_ONCE)
    what, _, where = outcome.partition(" ")
    entry = ledger.find(report.report_key, marie)
    assert entry is not None
    if what in REPLIES:
        assert (first.state, first.reply_code) == (
            State.RETRY if what == "4xx" else State.FAILED,
            int(REPLIES[what][:3]),
        )
        assert entry.stage == where.removeprefix("at ")
        assert str(entry.reply_words).startswith(REPLIES[what][4:9])
    elif where == "after the data":
        assert (first.state, first.reply_code) == (State.UNCERTAIN, None)
    elif what != "accepted":
        assert (first.state, first.is_temporary) == (State.RETRY, True)
        assert entry.stage == ("body" if where == "in the data" else "data")
    well = SmtpServer("127.0.0.1", postfix.port, "none", timeout_seconds=20)
    # Whoever refuses everyone has been mended since; a refused reader or message stays refused.
    is_final = what == "5xx" and where in ("at recipient", "at data", "at reply")
    copies = 0 if is_final else 2 if where == "after the data" else 1
    (second,) = deliver_report(report, [marie], well, sender, ledger, retries=AT_ONCE)
    assert second.state is (State.FAILED if is_final else State.SENT)
    assert second.was_sent_before == (outcome == "accepted")
    postfix.wait_until_idle()
    mails = postfix.mails_of("marie.lefebvre", copies) if copies else []
    assert len({mail["Message-ID"] for mail in mails}) == min(copies, 1)


def test_a_message_it_cannot_take_is_refused_for_good(
    postfix: Postfix, sender: Sender, ledger: Ledger, make_report: MakeReport, paul: Recipient
) -> None:
    for port, code, key in (
        (postfix.small, 552, "weekly/2026-W47/fr"),
        (postfix.strict, 550, "weekly/2026-W48/fr"),
    ):
        server = SmtpServer("127.0.0.1", port, "none", timeout_seconds=20)
        (refused,) = deliver_report(
            make_report(report_key=key), [paul], server, sender, ledger, retries=AT_ONCE
        )
        assert (refused.state, refused.reply_code) == (State.FAILED, code)
    assert ledger.suppressions.load() == [], "what a message is refused for says nothing of its reader"


KILLED_DURING = [
    "accepted", "4xx at reply", "5xx at reply", "dropped before the data", "dropped in the data",
    "dropped after the data", "timeout after the data",
]  # fmt: skip


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("outcome", KILLED_DURING)
def test_a_kill_loses_nobody_and_doubles_at_most_once(
    outcome: str, point: str, postfix: Postfix, victims: Victims, tmp_path: Path
) -> None:
    with misbehaving(postfix, outcome) as port:
        code = victims.deliver(tmp_path, port, point, SILENCE if outcome.startswith("timeout") else 20)
    assert code == KILLED if outcome == "accepted" else code in (KILLED, 0)
    server = SmtpServer("127.0.0.1", postfix.port, "none", timeout_seconds=20)
    with ledger_in(tmp_path) as book:
        known = [book.find(report_in(tmp_path).report_key, person) for person in readers()]
        for _ in range(2):
            done = deliver_report(report_in(tmp_path), readers(), server, SENDER, book, retries=AT_ONCE)
    postfix.wait_until_idle()
    copies = [mails_in(postfix, person) for person in PEOPLE]
    for entry, delivery, mails in zip(known, done, copies, strict=True):
        if entry is not None and entry.state is State.FAILED and not entry.is_due:
            assert outcome.startswith("5xx")
            assert (delivery.state, len(mails)) == (State.FAILED, 0), "a refusal was forgotten"
        else:
            assert delivery.state is State.SENT and 1 <= len(mails) <= 2
        assert len({mail["Message-ID"] for mail in mails}) <= 1
    if outcome == "accepted":
        assert [len(mails) for mails in copies] == [2 if point in MAY_HAVE_ARRIVED else 1, 1]


def mails_in(postfix: Postfix, person: str) -> list[EmailMessage]:
    """What lies in a mailbox; it is made with its first message."""
    new = postfix.folder / "mailboxes" / person / "new"
    return postfix.mails_of(person, len(list(new.iterdir()))) if new.is_dir() else []


def test_an_alert_arrives_once(
    postfix: Postfix, server: SmtpServer, sender: Sender, ledger: Ledger, paul: Recipient, tmp_path: Path
) -> None:
    now = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    alert = Alert.model_validate(
        {
            "id": "alert/failures/run-1",
            "kind": "failures",
            "shop": "Été",
            "currency": "EUR",
            "day": date(2026, 11, 23),
            "created_at": now,
            "words": {
                "fr": {"title": "Été : l’exécution extract a échoué", "lines": ["échec : extract_shop"]}
            },
        }
    )
    receivers = [MailReceiver(paul, frozenset({"failures"}), lambda: (server, sender))]
    with AlertBox(tmp_path / "alerts.sqlite") as box:
        with box.transaction():
            box.add(alert, ["run/run-1"])
        assert [one.state for one in deliver_alerts(box, ledger, receivers, None, now)] == [State.SENT]
        assert deliver_alerts(box, ledger, receivers, None, now) == []
    (mail,) = postfix.mails_of("paul", 1)
    assert mail["Subject"] == "Été : l’exécution extract a échoué"
    assert mail.get_content() == "Été : l’exécution extract a échoué\n\n- échec : extract_shop\n"
