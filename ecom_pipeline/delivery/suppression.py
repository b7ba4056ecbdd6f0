"""Readers who get no more mail: their mailbox is gone, or they asked to be left alone.

It is kept in the delivery ledger, because a refusal and what follows from it are one commit. Like there, people are
a keyed hash and a masked display.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ecom_pipeline.delivery.addresses import Addressee
from ecom_pipeline.delivery.entry import Entry


class SuppressionReason(StrEnum):
    """Why a reader gets no more mail."""

    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True)
class Suppression:
    """One reader who gets no more mail; `detail` is the status code a mail server gave, if one did."""

    display: str
    reason: SuppressionReason
    detail: str
    since: datetime

    @property
    def explanation(self) -> str:
        """As `bounced (5.1.1) since 2026-11-23`; the day is UTC."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.reason}{detail} since {self.since:%Y-%m-%d}"


class Suppressions:
    """The list, in an open ledger."""

    def __init__(self, db: sqlite3.Connection, pseudonym: Callable[[str], str]) -> None:
        self._db = db
        self._pseudonym = pseudonym

    def find(self, recipient: Addressee) -> Suppression | None:
        """Why a recipient gets no more mail; None while they do."""
        row = self._db.execute(
            "SELECT * FROM suppressions WHERE recipient_hash = ? AND allowed_at IS NULL",
            (self._pseudonym(recipient.identity),),
        ).fetchone()
        return None if row is None else _from_row(row)

    def load(self) -> list[Suppression]:
        """All who get no more mail, the longest first."""
        rows = self._db.execute("SELECT * FROM suppressions WHERE allowed_at IS NULL ORDER BY since, display")
        return [_from_row(row) for row in rows]

    def add(
        self, recipient: Addressee, reason: SuppressionReason, detail: str, happened_at: datetime
    ) -> bool:
        """Suppress a recipient from now on; False when that changes nothing.

        What happened before a person lifted an earlier suppression does not count again. A reader's own wish takes
        the place of a bounce.
        """
        return self._put(self._pseudonym(recipient.identity), recipient.display, reason, detail, happened_at)

    def add_reader_of(
        self, entry: Entry, reason: SuppressionReason, detail: str, happened_at: datetime
    ) -> bool:
        """The same for the recipient of a delivery."""
        return self._put(entry.recipient_hash, entry.display, reason, detail, happened_at)

    def lift(self, recipient: Addressee, now: datetime) -> bool:
        """Let a recipient have mail again; False when they were not suppressed."""
        done = self._db.execute(
            "UPDATE suppressions SET allowed_at = ? WHERE recipient_hash = ? AND allowed_at IS NULL",
            (_instant(now), self._pseudonym(recipient.identity)),
        )
        return done.rowcount == 1

    def _put(
        self, recipient_hash: str, display: str, reason: SuppressionReason, detail: str, happened_at: datetime
    ) -> bool:
        done = self._db.execute(
            "INSERT INTO suppressions VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (recipient_hash) DO UPDATE"
            " SET reason = excluded.reason, detail = excluded.detail, since = excluded.since, allowed_at = NULL"
            " WHERE allowed_at < excluded.since"
            " OR (allowed_at IS NULL AND reason = 'bounced' AND excluded.reason = 'unsubscribed')",
            (recipient_hash, display, reason, detail, _instant(happened_at)),
        )
        return done.rowcount == 1


def _from_row(row: sqlite3.Row) -> Suppression:
    return Suppression(
        row["display"],
        SuppressionReason(row["reason"]),
        row["detail"],
        datetime.fromisoformat(row["since"]),
    )


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
