"""What comes back counts only when it is about a message of ours to the very reader it names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from ecom_pipeline.delivery import (
    Entry,
    Ledger,
    Outcome,
    Recipient,
    Sender,
    Stage,
    SuppressionReason,
    Verdict,
)
from ecom_pipeline.delivery.message import build_message_id, build_reader_token
from ecom_pipeline.delivery.returned import (
    find_requester,
    find_returned,
    is_notice,
    read_request,
    read_returns,
)
from ecom_pipeline.delivery.status import read_status, refuses_mailbox, returns_for_good

from .notices import make_notice, make_request

REPORT = "weekly/2026-W47/direction/fr"


@pytest.fixture
def sent(ledger: Ledger, marie: Recipient) -> Entry:
    entry = ledger.start(ledger.plan(REPORT, marie, "a" * 64), "a" * 64)
    return ledger.finish(entry, Outcome(Verdict.ACCEPTED, Stage.REPLY, 250, "kept"))


@pytest.mark.parametrize("returns", ["rfc822-headers", "rfc822"])
def test_a_notice_about_our_message_is_recognised(
    returns: str, sent: Entry, ledger: Ledger, marie: Recipient, paul: Recipient, sender: Sender
) -> None:
    notice = make_notice(build_message_id(REPORT, marie, sender, 1), marie.email.upper(), returns=returns)
    assert is_notice(message_from_bytes(notice))
    (found,) = read_returns(notice)
    assert found.status == "5.1.1" and "marie" not in repr(found)
    assert find_returned(found, [paul, marie], sender, ledger) == sent
    cut_off = notice[: notice.index(b"Subject: Semaine")]
    (found,) = read_returns(cut_off)
    assert find_returned(found, [marie], sender, ledger) == sent, "a long message is read in part only"


def test_a_message_forwarded_to_a_dead_mailbox_is_still_its_readers(
    sent: Entry, ledger: Ledger, marie: Recipient, sender: Sender
) -> None:
    mine = build_message_id(REPORT, marie, sender, 1)
    notice = make_notice(mine, "elsewhere@other.example")
    (found,) = read_returns(notice)
    assert find_returned(found, [marie], sender, ledger) is None
    notice = make_notice(mine, marie.email, final_recipient="elsewhere@other.example")
    (found,) = read_returns(notice)
    assert find_returned(found, [marie], sender, ledger) == sent


def test_a_forged_notice_is_about_nobody(
    sent: Entry, ledger: Ledger, marie: Recipient, paul: Recipient, sender: Sender
) -> None:
    stranger = Sender(sender.address, sender.name, sender.unsubscribe, b"what a stranger guesses")
    forged = [
        build_message_id(REPORT, marie, stranger, 1),  # all but the key is known to them
        build_message_id(REPORT, paul, sender, 1),  # somebody else's message
        build_message_id(REPORT, marie, sender, 2),  # never sent
        build_message_id("weekly/2026-W46/direction/fr", marie, sender, 1),  # never sent
        "<other@boutique.example>",
        "",
    ]
    for message_id in forged:
        for found in read_returns(make_notice(message_id, marie.email)):
            assert find_returned(found, [marie, paul], sender, ledger) is None, message_id


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "delivered"])
def test_a_notice_of_anything_but_failure_returns_nothing(
    action: str, marie: Recipient, sender: Sender
) -> None:
    notice = make_notice(build_message_id(REPORT, marie, sender, 1), marie.email, action=action)
    assert read_returns(notice) == []


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xfe\0garbage",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno parts at all",
        b"Content-Type: message/delivery-status\n\nAction: failed\nFinal-Recipient: rfc822; a@b.c\n",
        make_notice("<a@b>", "a@b.example").replace(b"message/delivery-status", b"application/x"),
    ],
)
def test_what_is_broken_says_nothing(broken: bytes) -> None:
    assert read_returns(broken) == []


@pytest.mark.parametrize(
    ("status", "at_once", "returned"),
    [
        ("5.1.1", True, True), ("5.1.2", True, True), ("5.1.3", True, True), ("5.1.6", True, True),
        ("5.1.10", True, True),
        ("5.1.0", False, False), ("5.1.7", False, False), ("5.1.8", False, False),  # may be about the sender
        ("5.0.0", False, True), ("5.2.1", False, True), ("5.4.4", False, True),
        ("5.2.2", False, False), ("5.3.4", False, False), ("5.6.0", False, False),  # full, too large, content
        ("5.7.1", False, False), ("5.7.26", False, False), ("5.4.7", False, False),  # policy, given up on
        ("4.1.1", False, False), ("4.2.2", False, False), ("2.1.5", False, False), (None, False, False),
    ],
)  # fmt: skip
def test_only_a_mailbox_that_is_gone_counts(status: str | None, at_once: bool, returned: bool) -> None:
    assert (refuses_mailbox(status), returns_for_good(status)) == (at_once, returned)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("5.1.1 <a@b.example>: unknown", "5.1.1"), ("5.1.1", "5.1.1"), (" 5.1.10 null MX\n5.1.10 x", "5.1.10"),
        ("no such user 5.1.1", None), ("5.1.1.7 is an address", None), ("3.1.1 what", None), ("", None),
    ],
)  # fmt: skip
def test_a_status_is_read_where_servers_write_it(words: str, status: str | None) -> None:
    assert read_status(words) == status


def test_a_request_is_known_by_its_token_or_its_sender(
    marie: Recipient, paul: Recipient, sender: Sender
) -> None:
    people = [paul, marie]

    def whose(mail: bytes) -> Recipient | None:
        request = read_request(message_from_bytes(mail))
        return None if request is None else find_requester(request, people, sender)

    token = build_reader_token(marie, sender)
    assert whose(make_request("alias@gmail.example", f"unsubscribe weekly-report {token}")) == marie
    assert whose(make_request("Marie <MARIE.lefebvre@atelier.example>", "Unsubscribe")) == marie
    assert whose(make_request(marie.email, "Re: désabonnement, merci")) == marie
    assert whose(make_request(marie.email, "Désinscription")) == marie
    assert whose(make_request(marie.email, "=?utf-8?q?D=C3=A9sabonner?=")) == marie
    # Strangers, other mail of readers, and programs.
    assert whose(make_request("stranger@other.example", "unsubscribe")) is None
    assert whose(make_request("stranger@other.example", f"unsubscribe weekly-report {'0' * 20}")) is None
    assert whose(make_request(marie.email, f"unsubscribe weekly-report {'0' * 20}")) is None
    assert whose(make_request(marie.email, "How do I unsubscribe Paul?")) is None
    assert whose(make_request(marie.email, "Semaine 47")) is None
    assert whose(make_request(marie.email, "unsubscribe", Auto_Submitted="auto-replied")) is None
    assert whose(b"Subject: =?no-such-charset?q?unsubscribe?=\nFrom: x\n\n") is None


def test_a_wish_outweighs_a_bounce_and_what_is_allowed_stays_so(ledger: Ledger, marie: Recipient) -> None:
    list_, noon = ledger.suppressions, datetime(2026, 11, 23, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert list_.add(marie, SuppressionReason.BOUNCED, "5.1.1", noon)
    assert not list_.add(marie, SuppressionReason.BOUNCED, "5.1.2", noon + hour), "it is suppressed already"
    found = list_.find(Recipient(marie.email.upper(), "en"))
    assert found is not None and found.explanation == "bounced (5.1.1) since 2026-11-23"
    assert list_.add(marie, SuppressionReason.UNSUBSCRIBED, "", noon + hour)
    assert not list_.add(marie, SuppressionReason.BOUNCED, "5.1.1", noon + 2 * hour)
    assert [one.reason for one in list_.load()] == [SuppressionReason.UNSUBSCRIBED]
    assert list_.lift(marie, noon + 3 * hour) and not list_.lift(marie, noon + 3 * hour)
    assert list_.find(marie) is None and list_.load() == []
    assert not list_.add(marie, SuppressionReason.BOUNCED, "5.1.1", noon + 2 * hour), (
        "of before it was allowed"
    )
    assert list_.add(marie, SuppressionReason.BOUNCED, "5.1.1", noon + 4 * hour)
    stored = "".join(one.read_bytes().decode("latin-1") for one in ledger.path.parent.glob("ledger.sqlite*"))
    assert "bounced" in stored and "marie" not in stored.lower() and "lefebvre" not in stored.lower()
