"""A report to a real inbox and back: Postfix hands on to Dovecot, people read over IMAP, and what returns is heeded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecom_pipeline.delivery import (
    DeliveryError,
    ImapServer,
    InboxReading,
    Ledger,
    Recipient,
    ReportMail,
    Retries,
    Sender,
    SmtpServer,
    State,
    check_inbox,
    deliver_report,
    preview_report,
    read_inbox,
)
from ecom_pipeline.delivery.message import build_message_id

from . import dovecot as dovecot_harness
from . import postfix as postfix_harness
from .conftest import KEY, PICTURE, MakeReport
from .dovecot import PASSWORD, Dovecot, run_dovecot
from .notices import make_notice, make_request
from .postfix import DOMAIN, GHOST, OWN_DOMAIN, PEOPLE, Postfix, run_postfix

WHY_NOT = postfix_harness.why_not() or dovecot_harness.why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

OWN = f"rapports@{OWN_DOMAIN}"
AT_ONCE = Retries((), lambda _seconds: None)

Read = Callable[[], InboxReading]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postfix, Dovecot]]:
    people = [f"{person}@{DOMAIN}" for person in PEOPLE]
    with run_dovecot([*people, OWN]) as dovecot, run_postfix(dovecot.lmtp_port) as postfix:
        yield postfix, dovecot


@pytest.fixture
def postfix(servers: tuple[Postfix, Dovecot]) -> Postfix:
    return servers[0]


@pytest.fixture
def dovecot(servers: tuple[Postfix, Dovecot]) -> Iterator[Dovecot]:
    """The server with empty mailboxes, to which nothing is on its way."""
    yield servers[1]
    servers[0].wait_until_idle()
    servers[1].empty()


@pytest.fixture
def server(postfix: Postfix) -> SmtpServer:
    return SmtpServer(
        postfix.certified_host, postfix.port, "starttls", timeout_seconds=20, ca_file=postfix.ca_file
    )


@pytest.fixture
def sender() -> Sender:
    return Sender(OWN, "Boutique & Fils", OWN, KEY)


@pytest.fixture
def ghost() -> Recipient:
    return Recipient(GHOST, "fr", "Personne")


@pytest.fixture
def inbox(dovecot: Dovecot) -> ImapServer:
    return ImapServer(dovecot.host, dovecot.imap_port, "tls", OWN, PASSWORD, 20, dovecot.ca_file)


@pytest.fixture
def read(
    inbox: ImapServer, sender: Sender, ledger: Ledger, marie: Recipient, paul: Recipient, ghost: Recipient
) -> Read:
    return lambda: read_inbox(inbox, sender, [marie, paul, ghost], ledger, datetime.now(UTC))


def test_a_person_finds_one_whole_report_in_the_inbox(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    report: ReportMail, marie: Recipient,
) -> None:  # fmt: skip
    for _ in range(2):
        (done,) = deliver_report(report, [marie], server, sender, ledger, retries=AT_ONCE)
        assert done.is_sent
    postfix.wait_until_idle()
    (mail,) = dovecot.mails_of(marie.email)
    assert mail["Subject"] == report.subject
    assert mail["Message-ID"] == build_message_id(report.report_key, marie, sender, 1)
    assert mail["Return-Path"] == f"<{OWN}>", "notices would go elsewhere"
    assert mail["List-Unsubscribe"].startswith(f"<mailto:{OWN}?subject=unsubscribe%20weekly-report%20")
    assert mail["Auto-Submitted"] == "auto-generated"
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "image/png", "application/pdf"]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and text.get_content().replace("\r\n", "\n") == report.text
    (picture,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture.get_content() == PICTURE
    assert html is not None and f'src="cid:{picture["Content-ID"].strip("<>")}"' in html.get_content()
    (pdf,) = mail.iter_attachments()
    assert pdf.get_content() == report.pdf_path.read_bytes() and pdf.get_filename() == report.pdf_name


def test_a_report_that_comes_back_is_the_last_one_sent_there(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    make_report: MakeReport, marie: Recipient, ghost: Recipient, read: Read,
) -> None:  # fmt: skip
    done = deliver_report(make_report(), [ghost, marie], server, sender, ledger, retries=AT_ONCE)
    assert [one.state for one in done] == [State.SENT, State.SENT], "Postfix takes it: it knows no better yet"
    postfix.wait_until_idle()
    (notice,) = dovecot.mails_of(OWN)
    assert notice.get_content_type() == "multipart/report" and dovecot.unread(OWN) == 1
    found = read()
    assert (found.bounced, found.unknown) == (("g…@a….example (5.1.1)",), 0)
    assert dovecot.unread(OWN) == 0 and len(dovecot.mails_of(OWN)) == 1, "read, and left where it is"
    assert read() == InboxReading(), "it was read before"
    next_week = make_report(report_key="weekly/2026-W48/fr")
    (preview,) = preview_report(next_week, [ghost], sender, ledger)
    assert not preview.would_send and preview.explanation.startswith("bounced (5.1.1) since ")
    skipped, sent = deliver_report(next_week, [ghost, marie], server, sender, ledger, retries=AT_ONCE)
    assert (skipped.state, skipped.is_undelivered) == (State.SUPPRESSED, False)
    assert skipped.explanation.startswith("bounced (5.1.1) since ")
    assert sent.is_sent
    again = deliver_report(next_week, [ghost], server, sender, ledger, resend=True, retries=AT_ONCE)
    assert [one.state for one in again] == [State.SUPPRESSED]
    postfix.wait_until_idle()
    assert len(dovecot.mails_of(OWN)) == 1, "it was sent there once more"
    assert len(dovecot.mails_of(marie.email)) == 2
    assert ledger.suppressions.lift(ghost, datetime.now(UTC))
    (allowed,) = deliver_report(next_week, [ghost], server, sender, ledger, retries=AT_ONCE)
    assert allowed.is_sent


def test_a_mailbox_unknown_at_once_gets_no_later_report(
    dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger, make_report: MakeReport
) -> None:
    stranger = Recipient(f"nobody.here@{DOMAIN}", "fr")
    (refused,) = deliver_report(make_report(), [stranger], server, sender, ledger, retries=AT_ONCE)
    assert (refused.state, refused.is_undelivered) == (State.FAILED, True)
    assert refused.explanation.endswith("; later reports are not sent there")
    next_week = make_report(report_key="weekly/2026-W48/fr")
    (skipped,) = deliver_report(next_week, [stranger], server, sender, ledger, retries=AT_ONCE)
    assert (skipped.state, skipped.attempts) == (State.SUPPRESSED, 0)
    assert dovecot.mails_of(OWN) == []


def test_who_unsubscribes_as_mail_programs_do_gets_no_more(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    make_report: MakeReport, marie: Recipient, paul: Recipient, read: Read,
) -> None:  # fmt: skip
    deliver_report(make_report(), [marie, paul], server, sender, ledger, retries=AT_ONCE)
    postfix.wait_until_idle()
    (mail,) = dovecot.mails_of(marie.email)
    subject = mail["List-Unsubscribe"].strip("<>").partition("?subject=")[2].replace("%20", " ")
    dovecot.put(OWN, make_request("Marie <marie@private.example>", subject))
    found = read()
    assert (found.unsubscribed, found.bounced) == (("m…@a….example",), ())
    next_week = make_report(report_key="weekly/2026-W48/fr")
    skipped, sent = deliver_report(next_week, [marie, paul], server, sender, ledger, retries=AT_ONCE)
    assert skipped.state is State.SUPPRESSED and skipped.explanation.startswith("unsubscribed since ")
    assert sent.is_sent


def test_other_mail_is_left_alone_and_strangers_suppress_nobody(
    dovecot: Dovecot, sender: Sender, ledger: Ledger, marie: Recipient, read: Read
) -> None:
    mine = build_message_id("weekly/2026-W47/fr", marie, sender, 1)
    dovecot.put(OWN, make_request("client@other.example", "Où est ma commande ?"))
    dovecot.put(OWN, make_notice(mine, marie.email))  # the ledger knows of no such message
    dovecot.put(OWN, make_notice("<guess@boutique.example>", marie.email))
    dovecot.put(OWN, make_request("stranger@other.example", "unsubscribe"))
    assert read() == InboxReading(messages=4, unknown=3)
    assert dovecot.unread(OWN) == 4, "people would not see them"
    assert ledger.suppressions.load() == []


def test_what_may_pass_suppresses_nobody_and_stays_to_be_read(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    report: ReportMail, marie: Recipient, read: Read,
) -> None:  # fmt: skip
    deliver_report(report, [marie], server, sender, ledger, retries=AT_ONCE)
    mine = build_message_id(report.report_key, marie, sender, 1)
    for status in ("5.7.1", "4.4.7", "5.2.2"):
        dovecot.put(OWN, make_notice(mine, marie.email, status=status))
    found = read()
    assert found.returned == tuple(f"m…@a….example ({status})" for status in ("5.7.1", "4.4.7", "5.2.2"))
    assert found.bounced == () and dovecot.unread(OWN) == 3
    assert ledger.suppressions.find(marie) is None


def test_a_notice_that_a_person_opened_first_counts_too(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    report: ReportMail, ghost: Recipient, read: Read,
) -> None:  # fmt: skip
    read()
    deliver_report(report, [ghost], server, sender, ledger, retries=AT_ONCE)
    postfix.wait_until_idle()
    with dovecot.signed_in(OWN) as client:
        client.fetch("1", "(BODY[])")
    assert dovecot.unread(OWN) == 0
    assert len(read().bounced) == 1


def test_what_came_back_before_a_reader_was_allowed_is_past(
    postfix: Postfix, dovecot: Dovecot, server: SmtpServer, sender: Sender, ledger: Ledger,
    report: ReportMail, ghost: Recipient, read: Read,
) -> None:  # fmt: skip
    deliver_report(report, [ghost], server, sender, ledger, retries=AT_ONCE)
    postfix.wait_until_idle()
    assert len(read().bounced) == 1
    ledger.suppressions.lift(ghost, datetime.now(UTC) + timedelta(seconds=1))
    (notice,) = dovecot.mails_of(OWN)
    dovecot.put(OWN, notice.as_bytes())
    assert read() == InboxReading(messages=1)
    assert ledger.suppressions.find(ghost) is None


@pytest.mark.parametrize(
    ("change", "why", "mend"),
    [
        ({"password": "wrong-Passw0rd"}, "logging in failed", "password"),
        ({"folder": "No such folder"}, "opening the folder failed", "folder"),
        ({"ca_file": None}, "connecting failed", "993 goes with tls"),
        ({"security": "starttls", "timeout_seconds": 2}, "connecting failed", "993 goes with tls"),
        ({"port": 1}, "connecting failed", "993 goes with tls"),
    ],
)
def test_a_mailbox_that_does_not_open_says_why_without_a_secret(
    inbox: ImapServer, sender: Sender, ledger: Ledger, marie: Recipient,
    change: dict[str, object], why: str, mend: str,
) -> None:  # fmt: skip
    assert check_inbox(inbox).ok
    broken = replace(inbox, **change)  # type: ignore[arg-type]
    with pytest.raises(DeliveryError) as refused:
        read_inbox(broken, sender, [marie], ledger, datetime.now(UTC))
    assert why in refused.value.why and mend in refused.value.mend
    check = check_inbox(broken)
    assert not check.ok and check.problem == refused.value.why
    for secret in (PASSWORD, "wrong-Passw0rd", "rapports"):
        assert secret not in str(refused.value) and secret not in repr(broken)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"username": "", "password": ""}, "no user name"),
        ({"folder": 'IN"BOX'}, "folder"),
        ({"folder": "Envoyés"}, "folder"),
        ({"host": "imap.example.com", "security": "none"}, "show the password"),
    ],
)
def test_unusable_settings_are_refused(change: dict[str, object], why: str) -> None:
    usual: dict[str, object] = {"host": "localhost", "username": "a", "password": "b"}
    with pytest.raises(DeliveryError, match=why):
        ImapServer(**{**usual, **change})  # type: ignore[arg-type]


def test_the_harness_reads_what_was_put(dovecot: Dovecot, tmp_path: Path) -> None:
    dovecot.put(OWN, make_request("a@b.example", "x"))
    assert [mail["Subject"] for mail in dovecot.mails_of(OWN)] == ["x"]
