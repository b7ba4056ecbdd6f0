"""The record of what was sent to whom, which is what keeps a report from being lost or sent twice.

It is an SQLite file of its own and not a table of the warehouse, because it must be on disk at once, message
by message: the warehouse admits one writer, is restored, rebuilt and replaced as a whole, and none of that
may ever make the product forget that a mail went out. Each change is one durable transaction.

How the promise holds ("never lost, at most one duplicate, under the same Message-ID"): `sending` is committed
before the conversation starts, and `completing` just before the bytes that make the message complete. After a
kill, a delivery found in `sending` is sent once more; if it was also `completing`, the message may already
have arrived, and that possible copy is counted. With two possible copies the delivery is not sent again by
itself: it stays `uncertain`, visibly, until a person decides.

Recipients are stored as a keyed hash and a masked display, never as addresses.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ecom_pipeline.delivery.addresses import Addressee
from ecom_pipeline.delivery.entry import MAX_POSSIBLE_COPIES, Entry, State, entry_from_row
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.ledger_schema import bring_up_to_date
from ecom_pipeline.delivery.outcome import Outcome, Verdict
from ecom_pipeline.delivery.suppression import SuppressionReason, Suppressions

_SHORTEST_KEY = 16
_PATIENCE_SECONDS = 30.0


class Ledger:
    """The ledger file, open. A context manager; one object belongs to one thread."""

    def __init__(
        self, path: Path, pseudonym_key: bytes, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Open or make the file, readable by its owner alone.

        Raises:
            DeliveryError: when the key is too short or not the one the ledger was made with, or when the file
                cannot be read. A new key would make every recipient a stranger and send everything again.
        """
        if len(pseudonym_key) < _SHORTEST_KEY:
            raise DeliveryError(
                "The delivery ledger cannot be opened",
                f"its key has fewer than {_SHORTEST_KEY} bytes",
                "Set a longer random key in the environment",
            )
        self.path = path
        self._key = pseudonym_key
        self._now = now
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise _unreadable(path, error) from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise _unreadable(path, error) from None
        except DeliveryError:
            self._db.close()
            raise
        self.suppressions = Suppressions(self._db, self._pseudonym)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process delivers from this ledger, and keep others waiting meanwhile.

        Without it, a delivery that another process has under way would look like one that was killed. The
        operating system ends the turn of a process that dies.
        """
        descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def plan(self, report_key: str, recipient: Addressee, pdf_sha256: str) -> Entry:
        """The newest edition for this recipient, made if there is none: henceforth it cannot be forgotten."""
        with self._transaction():
            newest = self._recovered(report_key, recipient)
            return newest or self._insert(report_key, recipient, pdf_sha256, 1)

    def plan_again(self, report_key: str, recipient: Addressee, pdf_sha256: str) -> Entry:
        """A further edition when the newest one has ended; the newest one when it is still due anyway."""
        with self._transaction():
            newest = self._recovered(report_key, recipient)
            if newest is not None and newest.is_due:
                return newest
            edition = 1 if newest is None else newest.edition + 1
            return self._insert(report_key, recipient, pdf_sha256, edition)

    def find(self, report_key: str, recipient: Addressee) -> Entry | None:
        """The newest edition for this recipient, changing nothing."""
        return self._newest(report_key, recipient)

    def load_entries_of(self, recipient: Addressee) -> list[Entry]:
        """Everything recorded of one recipient, the newest first."""
        rows = self._db.execute(
            "SELECT * FROM deliveries WHERE recipient_hash = ? ORDER BY planned_at DESC, edition DESC",
            (self._pseudonym(recipient.identity),),
        )
        return [entry_from_row(row) for row in rows]

    def load_entries(self, report_key: str | None = None) -> list[Entry]:
        """Everything recorded, all editions, of one report or of all, oldest first."""
        where, values = ("", ()) if report_key is None else (" WHERE report_key = ?", (report_key,))
        rows = self._db.execute(
            f"SELECT * FROM deliveries{where}"
            " ORDER BY planned_at, report_key, display, recipient_hash, edition",
            values,
        )
        return [entry_from_row(row) for row in rows]

    def find_position(self, inbox: str) -> tuple[int, int] | None:
        """How far an inbox was read: its validity and the last number, as RFC 3501 names messages."""
        row = self._db.execute(
            "SELECT uid_validity, last_uid FROM inbox_positions WHERE inbox_hash = ?",
            (self._pseudonym(inbox),),
        ).fetchone()
        return None if row is None else (row["uid_validity"], row["last_uid"])

    def save_position(self, inbox: str, uid_validity: int, last_uid: int) -> None:
        """Commit how far an inbox was read."""
        self._db.execute(
            "INSERT OR REPLACE INTO inbox_positions VALUES (?, ?, ?)",
            (self._pseudonym(inbox), uid_validity, last_uid),
        )

    def start(self, entry: Entry, pdf_sha256: str) -> Entry:
        """Commit that an attempt begins.

        Raises:
            DeliveryError: when the delivery is not due, so that no caller can send it too often.
        """
        with self._transaction():
            current = self._read(entry)
            if not current.is_due:
                raise DeliveryError(
                    f"{entry.report_key} is not sent to {entry.display}",
                    f"it is recorded as {current.state}",
                    "Ask for it to be sent again if that is what you want",
                )
            return self._update(
                entry,
                state=State.SENDING,
                attempts=current.attempts + 1,
                # A kill left this one behind: what it had begun to complete may have arrived.
                possible_copies=current.possible_copies + current.completing,
                completing=0,
                pdf_sha256=pdf_sha256,
            )

    def mark_completing(self, entry: Entry) -> None:
        """Commit that from now on the server may accept the message."""
        with self._transaction():
            self._update(entry, completing=1)

    def finish(self, entry: Entry, outcome: Outcome) -> Entry:
        """Commit what came of the attempt; whoever's mailbox is unknown to its server gets no later one."""
        with self._transaction():
            current = self._read(entry)
            if outcome.mailbox_is_gone:
                self.suppressions.add_reader_of(
                    entry, SuppressionReason.BOUNCED, outcome.status or "", self._now()
                )
            copies = current.possible_copies + (outcome.verdict in (Verdict.ACCEPTED, Verdict.UNCERTAIN))
            state = _STATE_AFTER[outcome.verdict]
            return self._update(
                entry,
                state=state,
                possible_copies=copies,
                completing=0,
                stage=outcome.stage,
                reply_code=outcome.code,
                reply_words=outcome.words,
                refuses_everyone=int(outcome.refuses_everyone),
                sent_at=self._instant() if state is State.SENT else None,
            )

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        # A commit has reached the disk, directory entry included, when it returns.
        self._db.execute("PRAGMA synchronous = EXTRA")
        fingerprint = self._pseudonym("fingerprint of the ledger key")
        with self._transaction():
            if bring_up_to_date(self._db, self.path.name) == 0:
                self._db.execute("INSERT INTO ledger_key VALUES (?)", (fingerprint,))
            known = self._db.execute("SELECT fingerprint FROM ledger_key").fetchone()
        if known is None or not hmac.compare_digest(known[0], fingerprint):
            raise DeliveryError(
                f"The delivery ledger {self.path.name} cannot be opened",
                "it was made with another key, so it would not recognise who has received what",
                "Set the key it was made with; with a new key everything counts as not sent",
            )

    def _pseudonym(self, identity: str) -> str:
        return hmac.new(self._key, identity.encode(), hashlib.sha256).hexdigest()

    def _instant(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="microseconds")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _newest(self, report_key: str, recipient: Addressee) -> Entry | None:
        row = self._db.execute(
            "SELECT * FROM deliveries WHERE report_key = ? AND recipient_hash = ?"
            " ORDER BY edition DESC LIMIT 1",
            (report_key, self._pseudonym(recipient.identity)),
        ).fetchone()
        return None if row is None else entry_from_row(row)

    def _recovered(self, report_key: str, recipient: Addressee) -> Entry | None:
        entry = self._newest(report_key, recipient)
        if entry is None or entry.state is not State.SENDING or entry.is_due:
            return entry
        # Killed a second time while a message may have been accepted: a person has to decide.
        return self._update(entry, state=State.UNCERTAIN, possible_copies=MAX_POSSIBLE_COPIES, completing=0)

    def _insert(self, report_key: str, recipient: Addressee, pdf_sha256: str, edition: int) -> Entry:
        instant = self._instant()
        row = self._db.execute(
            "INSERT INTO deliveries (report_key, recipient_hash, edition, display, state, pdf_sha256,"
            " planned_at, changed_at) VALUES (?, ?, ?, ?, 'planned', ?, ?, ?) RETURNING *",
            (
                report_key,
                self._pseudonym(recipient.identity),
                edition,
                recipient.display,
                pdf_sha256,
                instant,
                instant,
            ),
        ).fetchone()
        return entry_from_row(row)

    def _read(self, entry: Entry) -> Entry:
        row = self._db.execute(f"SELECT * FROM deliveries WHERE {_THIS}", _identity(entry)).fetchone()
        return entry_from_row(row)

    def _update(self, entry: Entry, **changes: object) -> Entry:
        changes["changed_at"] = self._instant()
        columns = ", ".join(f"{column} = ?" for column in changes)
        row = self._db.execute(
            f"UPDATE deliveries SET {columns} WHERE {_THIS} RETURNING *",
            (*changes.values(), *_identity(entry)),
        ).fetchone()
        return entry_from_row(row)


_THIS = "report_key = ? AND recipient_hash = ? AND edition = ?"
_STATE_AFTER = {
    Verdict.ACCEPTED: State.SENT,
    Verdict.TEMPORARY: State.RETRY,
    Verdict.PERMANENT: State.FAILED,
    Verdict.UNCERTAIN: State.UNCERTAIN,
}


def _identity(entry: Entry) -> tuple[str, str, int]:
    return entry.report_key, entry.recipient_hash, entry.edition


def _unreadable(path: Path, error: Exception) -> DeliveryError:
    return DeliveryError(
        f"The delivery ledger {path.name} cannot be opened",
        str(error) or type(error).__name__,
        "Check the folder's rights, or put a saved copy back; without it nobody knows what was already sent",
    )
