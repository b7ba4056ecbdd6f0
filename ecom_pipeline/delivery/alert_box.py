"""The alerts that were made, what they told, and who asked to be left alone for a while.

Kept in an SQLite file of its own beside the delivery ledger: an alert that waits for the end of the quiet hours
must be sent as it was made, whatever the warehouse says by then. Holds no address and no secret.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from ecom_pipeline.delivery.alert import Alert
from ecom_pipeline.delivery.errors import DeliveryError

SCHEMA_VERSION = 1
KEPT = timedelta(days=7)  # an older alert is news to nobody
_PATIENCE_SECONDS = 30.0
_PAUSES = (60, 300, 900, 3600, 4 * 3600)  # seconds after the first failure, the second, …

_SCHEMA = f"""
CREATE TABLE alerts (
    id         TEXT PRIMARY KEY,
    body       TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    is_planned INTEGER NOT NULL DEFAULT 0 CHECK (is_planned IN (0, 1))
);
CREATE TABLE told (topic TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (topic, day));
CREATE TABLE waits (receiver TEXT PRIMARY KEY, failures INTEGER NOT NULL, until TEXT NOT NULL);
PRAGMA user_version = {SCHEMA_VERSION};
"""


class AlertBox:
    """The file, open. A context manager; one object belongs to one thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, readable by its owner alone.

        Raises:
            DeliveryError: it cannot be read, or a newer version wrote it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
            self._prepare(path)
        except (OSError, sqlite3.Error) as error:
            why = str(error) or type(error).__name__
            raise DeliveryError(
                f"The alerts' file {path.name} cannot be opened", why, "Check the folder's rights"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within is kept, or nothing; other writers wait."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def find_told(self, topics: Iterable[str], since: date) -> set[str]:
        """Those of the topics that an alert told on a day from `since` on."""
        rows = self._db.execute("SELECT DISTINCT topic FROM told WHERE day >= ?", (since.isoformat(),))
        return {topic for (topic,) in rows} & set(topics)

    def add(self, alert: Alert, topics: Iterable[str]) -> None:
        """Keep an alert to be sent, with what it tells; one that is there already stays as it is."""
        self._db.execute(
            "INSERT OR IGNORE INTO alerts (id, body, made_at) VALUES (?, ?, ?)",
            (alert.id, alert.model_dump_json(), _instant(alert.created_at)),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO told VALUES (?, ?)", [(topic, alert.day.isoformat()) for topic in topics]
        )

    def load_alerts(self, now: datetime, *, unplanned: bool = False) -> list[Alert]:
        """The alerts of the last seven days, oldest first; only those without receivers yet, if asked."""
        condition = " AND is_planned = 0" if unplanned else ""
        rows = self._db.execute(
            f"SELECT body FROM alerts WHERE made_at >= ?{condition} ORDER BY made_at, id",
            (_instant(now - KEPT),),
        )
        return [Alert.model_validate_json(body) for (body,) in rows]

    def mark_planned(self, alert: Alert) -> None:
        """From now on the ledger knows who is to have it."""
        self._db.execute("UPDATE alerts SET is_planned = 1 WHERE id = ?", (alert.id,))

    def is_waiting(self, receiver: str, now: datetime) -> bool:
        """True while a receiver is left alone."""
        row = self._db.execute("SELECT until FROM waits WHERE receiver = ?", (receiver,)).fetchone()
        return row is not None and now < datetime.fromisoformat(row[0])

    def leave_alone(self, receiver: str, now: datetime, asked_seconds: float | None) -> None:
        """Ask a receiver no more for as long as it wants, and longer after each failure."""
        with self.transaction():
            row = self._db.execute("SELECT failures FROM waits WHERE receiver = ?", (receiver,)).fetchone()
            failures = row[0] if row else 0
            pause = max(_PAUSES[min(failures, len(_PAUSES) - 1)], asked_seconds or 0)
            self._db.execute(
                "INSERT OR REPLACE INTO waits VALUES (?, ?, ?)",
                (receiver, failures + 1, _instant(now + timedelta(seconds=pause))),
            )

    def forget_failures(self, receiver: str) -> None:
        """It answers again."""
        self._db.execute("DELETE FROM waits WHERE receiver = ?", (receiver,))

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA synchronous = EXTRA")
        with self.transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
        if version not in (0, SCHEMA_VERSION):
            self._db.close()
            raise DeliveryError(
                f"The alerts' file {path.name} cannot be opened",
                f"its format is {version}, this version knows {SCHEMA_VERSION}",
                "Use the version of the product that wrote it",
            )


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
