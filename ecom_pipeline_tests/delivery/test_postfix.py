"""Mail handed to a real Postfix: arrives whole and once, is refused and deferred as its own words say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
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
from .postfix import DOMAIN, FULL, Postfix, run_postfix, why_not
from .test_outbox import VICTIM

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


@pytest.mark.parametrize(
    ("point", "copies"),
    [
        (("smtp.Conversation", "hand_over_all_but_the_end", "after"), 1),
        (("smtp.Conversation", "complete", "after"), 2),
    ],
    ids=["all but the end sent", "accepted, not recorded"],
)
def test_a_kill_doubles_at_most_once_under_the_same_message_id(
    postfix: Postfix, server: SmtpServer, ledger: Ledger, make_report: MakeReport,
    marie: Recipient, paul: Recipient, tmp_path: Path, point: tuple[str, str, str], copies: int,
) -> None:  # fmt: skip
    report = make_report(picture_png=None, html="<p>x</p>", text="texte", subject="Semaine 47")
    sender = Sender("rapports@boutique.example", "Boutique", "stop@boutique.example", KEY)
    victim = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(VICTIM), str(tmp_path), str(postfix.port), *point],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()
    done = deliver_report(report, [marie, paul], server, sender, ledger, retries=AT_ONCE)
    assert [one.state for one in done] == [State.SENT, State.SENT]
    assert len({mail["Message-ID"] for mail in postfix.mails_of("marie.lefebvre", copies)}) == 1
    postfix.mails_of("paul", 1)


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
