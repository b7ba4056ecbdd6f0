"""The decisions that reports showed, remembered so that later reports can say what became of them.

A file of its own beside the delivery ledger: the warehouse is rebuilt, and what people were told is not to be
computed again. A week is written once, when the report of the newest complete week is rendered: rendering it
again, in another language or after a correction, changes nothing, and a report of the past, rendered in a
backfill, records nothing, because nobody was asked to decide by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from ecom_pipeline.errors import EcomError
from ecom_pipeline.insights.actions import Shown
from ecom_pipeline.insights.signals import Cause

REMEMBERED = timedelta(weeks=4)
_PATIENCE_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS weeks (week_last_day TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS shown (
    week_last_day TEXT NOT NULL REFERENCES weeks, kpi TEXT NOT NULL, cause TEXT NOT NULL,
    kpi_last_day TEXT NOT NULL, value TEXT NOT NULL, edge TEXT NOT NULL, PRIMARY KEY (week_last_day, kpi)
);
"""


def record_shown(file: Path, week_last_day: date, decisions: Iterable[Shown]) -> bool:
    """Write down what a week's report shows; False when that week was written before.

    Raises:
        EcomError: the file cannot be written.
    """
    rows = [
        (str(week_last_day), one.kpi, one.cause.value, str(one.kpi_last_day), str(one.value), str(one.edge))
        for one in decisions
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    with _opened(file) as connection, connection:
        is_new = (
            connection.execute("INSERT OR IGNORE INTO weeks VALUES (?)", [str(week_last_day)]).rowcount == 1
        )
        if is_new:
            connection.executemany("INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?)", rows)
    return is_new


def read_shown(file: Path, week_last_day: date) -> tuple[Shown, ...]:
    """What the reports of the four weeks before a week showed, oldest first.

    Raises:
        EcomError: the file cannot be read.
    """
    if not file.is_file():
        return ()
    with _opened(file) as connection:
        rows = connection.execute(
            "SELECT week_last_day, kpi, cause, kpi_last_day, value, edge FROM shown "
            "WHERE week_last_day >= ? AND week_last_day < ? ORDER BY week_last_day, rowid",
            [str(week_last_day - REMEMBERED), str(week_last_day)],
        ).fetchall()
    return tuple(
        Shown(
            date.fromisoformat(week),
            kpi,
            Cause(cause),
            date.fromisoformat(day),
            Decimal(value),
            Decimal(edge),
        )
        for week, kpi, cause, day, value, edge in rows
    )


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE_SECONDS)) as connection:
            connection.executescript(_SCHEMA)
            yield connection
    except sqlite3.Error as error:
        raise EcomError(
            f"The record of shown decisions {file} cannot be used.",
            why=str(error),
            mend="Check its rights; without the file, reports begin to remember anew.",
        ) from None
