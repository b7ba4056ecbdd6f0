"""Every outcome a server can bring about, and a kill at every point: nobody is lost, nobody has more than two copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecom_pipeline.delivery import Retries, SmtpServer, State, deliver_report
from ecom_pipeline.sandbox.mail_catcher import Fault, MailCatcher

from .victims import (
    KILL_POINTS,
    KILLED,
    MAY_HAVE_ARRIVED,
    READERS,
    SENDER,
    Victims,
    ledger_in,
    readers,
    report_in,
    run_victims,
)

STAGES = ("greeting", "hello", "sender", "recipient", "data", "reply")
SILENCE = 0.5
"""Seconds a stalled delivery waits; when an answer takes longer, the promise must hold all the same."""

OUTCOMES: dict[str, Fault | None] = {
    "accepted": None,
    **{f"4xx at {stage}": Fault(stage, "450 4.3.0 later") for stage in STAGES},  # type: ignore[arg-type]
    **{f"5xx at {stage}": Fault(stage, "550 5.7.1 never") for stage in STAGES},  # type: ignore[arg-type]
    "dropped before the data": Fault("recipient", "drop"),
    "dropped in the data": Fault("body", "drop"),
    "dropped after the data, kept": Fault("reply", "drop", keeps_mail=True),
    "dropped after the data, lost": Fault("reply", "drop"),
    "timeout before the data": Fault("data", "stall"),
    "timeout after the data, kept": Fault("reply", "stall", keeps_mail=True),
}


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with run_victims() as running:
        yield running


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_kill_loses_nobody_and_doubles_at_most_once(
    outcome: str, point: str, victims: Victims, catcher: MailCatcher, tmp_path: Path
) -> None:
    fault = OUTCOMES[outcome]
    if fault is not None:
        catcher.script.faults.append(fault)
    waits = SILENCE if "timeout" in outcome else 20
    code = victims.deliver(tmp_path, catcher.port, point, waits)
    # A step that is never come to kills nobody.
    assert code == KILLED if outcome == "accepted" else code in (KILLED, 0)
    arrived_before = Counter(mail.recipients[0] for mail in catcher.mails)
    catcher.script.faults.clear()

    server = SmtpServer(catcher.host, catcher.port, "none", timeout_seconds=20)
    with ledger_in(tmp_path) as ledger:
        known = ledger.find("weekly/2026-W47/fr", readers()[0])
        for _ in range(2):
            done = deliver_report(report_in(tmp_path), readers(), server, SENDER, ledger, retries=Retries(()))
    copies = Counter(mail.recipients[0] for mail in catcher.mails)
    for person, delivery in zip(READERS, done, strict=True):
        was_refused = known is not None and known.state is State.FAILED and not known.is_due
        if was_refused and person == READERS[0]:
            assert outcome.startswith("5xx") and delivery.state is State.FAILED, "a refusal was forgotten"
            assert copies[person] == 0
        else:
            assert delivery.state is State.SENT and copies[person] >= 1, "a reader was lost"
        assert copies[person] <= 1 + (arrived_before[person] > 0), "sent again without having arrived before"
        ids = {mail.message["Message-ID"] for mail in catcher.mails if mail.recipients == (person,)}
        assert len(ids) <= 1, "a duplicate that no mailbox can tell"
        if copies[person] == 2:
            may_double = point in MAY_HAVE_ARRIVED or "kept" in outcome
            assert may_double and delivery.was_sent_before, "sent twice though its fate was known"


def test_each_point_falls_where_it_says(victims: Victims, catcher: MailCatcher, tmp_path: Path) -> None:
    heard = {}
    for number, point in enumerate(KILL_POINTS):
        catcher.script.commands.clear()
        folder = tmp_path / str(number)
        folder.mkdir()
        before = len(catcher.mails)
        assert victims.deliver(folder, catcher.port, point) == KILLED
        heard[point] = (catcher.script.commands[-1:] or [""])[0], len(catcher.mails) - before
    assert heard["before connecting"] == ("", 0)
    assert heard["connected"] == ("EHLO", 0)
    assert heard["recipient accepted"] == ("RCPT", 0)
    assert heard["in the data"] == heard["all but the end sent"] == heard["about to complete"] == ("DATA", 0)
    assert heard["accepted, not recorded"] == ("DATA", 1)
    assert heard["recorded"][1] == heard["about to record"][1] == heard["while recording"][1] == 1
