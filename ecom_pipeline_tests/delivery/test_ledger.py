from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ecom_pipeline.delivery import (
    DeliveryError,
    Entry,
    Ledger,
    Outcome,
    Recipient,
    Stage,
    State,
    Verdict,
)
from ecom_pipeline_tests.delivery.conftest import KEY

REPORT = "weekly/2026-W47/fr"
ACCEPTED = Outcome(Verdict.ACCEPTED, Stage.REPLY, 250, "kept")
LATER = Outcome(Verdict.TEMPORARY, Stage.RECIPIENT, 450, "later")
NEVER = Outcome(Verdict.PERMANENT, Stage.RECIPIENT, 550, "never")
REFUSES_ALL = Outcome(Verdict.PERMANENT, Stage.LOGIN, 535, "who are you")
SILENCE = Outcome(Verdict.UNCERTAIN, Stage.REPLY, None, "no answer in time")


@pytest.fixture
def attempt(ledger: Ledger) -> Callable[[Entry, Outcome], Entry]:
    def once(entry: Entry, outcome: Outcome) -> Entry:
        started = ledger.start(entry, "f" * 64)
        if outcome.stage is Stage.REPLY:
            ledger.mark_completing(started)
        return ledger.finish(started, outcome)

    return once


Attempt = Callable[[Entry, Outcome], Entry]


@pytest.mark.parametrize(
    ("outcome", "state", "is_due"),
    [
        (ACCEPTED, State.SENT, False),
        (LATER, State.RETRY, True),
        (NEVER, State.FAILED, False),
        (REFUSES_ALL, State.FAILED, True),
        (SILENCE, State.UNCERTAIN, True),
    ],
)
def test_an_outcome_decides_the_state(
    ledger: Ledger, marie: Recipient, attempt: Attempt, outcome: Outcome, state: State, is_due: bool
) -> None:
    entry = attempt(ledger.plan(REPORT, marie, "a" * 64), outcome)
    assert (entry.state, entry.is_due, entry.attempts) == (state, is_due, 1)
    assert (entry.reply_code, entry.stage, entry.reply_words) == (outcome.code, outcome.stage, outcome.words)
    assert entry.pdf_sha256 == "f" * 64
    assert (entry.sent_at is not None) == (state is State.SENT)
    assert ledger.find(REPORT, marie) == entry


def test_everything_is_still_there_after_opening_again(
    ledger: Ledger, marie: Recipient, paul: Recipient, attempt: Attempt
) -> None:
    attempt(ledger.plan(REPORT, marie, "a" * 64), ACCEPTED)
    ledger.plan("weekly/2026-W48/fr", paul, "b" * 64)
    with Ledger(ledger.path, KEY) as again:
        assert again.load_entries() == ledger.load_entries()
        assert [entry.state for entry in again.load_entries(REPORT)] == [State.SENT]


def test_an_ended_delivery_cannot_be_started(ledger: Ledger, marie: Recipient, attempt: Attempt) -> None:
    entry = ledger.plan(REPORT, marie, "a" * 64)
    attempt(entry, ACCEPTED)
    with pytest.raises(DeliveryError, match="recorded as sent"):
        ledger.start(entry, "a" * 64)


def test_two_silences_end_it_and_a_person_may_ask_again(
    ledger: Ledger, marie: Recipient, attempt: Attempt
) -> None:
    entry = attempt(attempt(ledger.plan(REPORT, marie, "a" * 64), SILENCE), SILENCE)
    assert (entry.state, entry.is_due, entry.possible_copies) == (State.UNCERTAIN, False, 2)
    with pytest.raises(DeliveryError):
        ledger.start(entry, "a" * 64)
    again = ledger.plan_again(REPORT, marie, "b" * 64)
    assert (again.edition, again.state, again.possible_copies) == (2, State.PLANNED, 0)
    assert ledger.plan_again(REPORT, marie, "b" * 64) == again, "asked twice, sent twice"
    assert [entry.edition for entry in ledger.load_entries(REPORT)] == [1, 2]


def test_refusals_between_silences_do_not_count_as_copies(
    ledger: Ledger, marie: Recipient, attempt: Attempt
) -> None:
    entry = ledger.plan(REPORT, marie, "a" * 64)
    for outcome in (LATER, SILENCE, LATER, LATER):
        entry = attempt(entry, outcome)
    assert (entry.possible_copies, entry.is_due, entry.attempts) == (1, True, 4)


def test_a_start_that_was_cut_short_counts_only_once_the_message_may_be_complete(
    ledger: Ledger, marie: Recipient
) -> None:
    entry = ledger.plan(REPORT, marie, "a" * 64)
    for _ in range(5):
        entry = ledger.start(entry, "a" * 64)
    assert entry.possible_copies == 0 and entry.is_due
    ledger.mark_completing(entry)
    entry = ledger.start(ledger.plan(REPORT, marie, "a" * 64), "a" * 64)
    assert entry.possible_copies == 1 and entry.is_due
    ledger.mark_completing(entry)
    entry = ledger.plan(REPORT, marie, "a" * 64)
    assert (entry.state, entry.is_due, entry.possible_copies) == (State.UNCERTAIN, False, 2)


def test_a_failing_change_leaves_nothing_half_done(
    ledger: Ledger, marie: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ledger.plan(REPORT, marie, "a" * 64)

    update = ledger._update

    def fail(entry: Entry, **changes: object) -> Entry:
        update(entry, **changes)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "_update", fail)
        with pytest.raises(KeyboardInterrupt):
            ledger.start(entry, "a" * 64)
    assert ledger.find(REPORT, marie) == entry
    assert ledger.start(entry, "a" * 64).state is State.SENDING


def test_another_key_is_refused(ledger: Ledger) -> None:
    with pytest.raises(DeliveryError, match="another key") as refused:
        Ledger(ledger.path, b"some other key of enough length")
    assert "everything counts as not sent" in refused.value.mend


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="fewer than 16"):
        Ledger(tmp_path / "ledger.sqlite", b"short")
    assert not (tmp_path / "ledger.sqlite").exists()


def test_a_broken_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DeliveryError, match="not a database"):
        Ledger(path, KEY)
    assert path.read_bytes() == b"this is no database" * 100


def test_a_newer_format_is_refused(ledger: Ledger) -> None:
    with sqlite3.connect(ledger.path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DeliveryError, match="format is 99"):
        Ledger(ledger.path, KEY)


def test_only_its_owner_may_read_it(ledger: Ledger) -> None:
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_turn_excludes_others_until_it_ends(ledger: Ledger, tmp_path: Path) -> None:
    entered = threading.Event()

    def other() -> None:
        with Ledger(ledger.path, KEY) as opened, opened.turn():
            entered.set()

    thread = threading.Thread(target=other)
    with ledger.turn():
        thread.start()
        assert not entered.wait(0.1)
    thread.join(5)
    assert entered.is_set()


def _die_in_turn(path: Path) -> None:
    with Ledger(path, KEY) as opened, opened.turn():
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_does_not_keep_its_turn(ledger: Ledger) -> None:
    victim = multiprocessing.get_context("spawn").Process(target=_die_in_turn, args=(ledger.path,))
    victim.start()
    victim.join(20)
    with ledger.turn():
        assert victim.exitcode == -signal.SIGKILL


def test_no_address_is_in_the_file(ledger: Ledger, marie: Recipient, attempt: Attempt) -> None:
    attempt(ledger.plan(REPORT, marie, "a" * 64), ACCEPTED)
    content = ledger.path.read_bytes().lower()
    assert REPORT.encode().lower() in content, "looked into the wrong file"
    for secret in ("marie", "lefebvre", "atelier", "gérante"):
        assert secret.encode() not in content
