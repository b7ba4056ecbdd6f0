"""One line of the ledger: what is known about one report for one recipient."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ecom_pipeline.delivery.outcome import Stage
from ecom_pipeline.delivery.status import read_status, refuses_mailbox

MAX_POSSIBLE_COPIES = 2


class State(StrEnum):
    """Where one report for one recipient stands; one that is suppressed is told of and never recorded."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Entry:
    """One report for one recipient, as the ledger knows it.

    `possible_copies` counts the attempts that were accepted or may have been; `completing` is set while an
    attempt has reached the point from which it may be accepted.
    """

    report_key: str
    recipient_hash: str
    edition: int
    display: str
    state: State
    attempts: int
    possible_copies: int
    completing: bool
    pdf_sha256: str
    stage: Stage | None
    reply_code: int | None
    reply_words: str | None
    refuses_everyone: bool
    planned_at: datetime
    changed_at: datetime
    sent_at: datetime | None

    @property
    def lost_its_reader(self) -> bool:
        """True when the server knew no such mailbox."""
        is_refused = self.state is State.FAILED and self.stage is Stage.RECIPIENT
        return is_refused and refuses_mailbox(read_status(self.reply_words or ""))

    @property
    def is_due(self) -> bool:
        """True when it should be sent without anyone asking for it again."""
        match self.state:
            case State.SENT:
                return False
            case State.FAILED:
                # The server, the login or the sender was refused: someone has mended the settings since,
                # or the next attempt tells them again. A refused recipient or message stays refused.
                return self.refuses_everyone
            case _:
                return self.possible_copies + self.completing < MAX_POSSIBLE_COPIES


def entry_from_row(row: sqlite3.Row) -> Entry:
    values = dict(row)
    values["state"] = State(values["state"])
    values["stage"] = None if values["stage"] is None else Stage(values["stage"])
    for flag in ("completing", "refuses_everyone"):
        values[flag] = bool(values[flag])
    for instant in ("planned_at", "changed_at", "sent_at"):
        values[instant] = None if values[instant] is None else datetime.fromisoformat(values[instant])
    return Entry(**values)
