"""The decisions that reports showed, remembered so that later reports can say what became of them.

A file of its own beside the delivery ledger: the warehouse is rebuilt, and what people were told is not to be
computed again. An audience's report is written down once, when that of the newest complete week or month is
rendered: rendering it again, in another language or after a correction, changes nothing, and a report of the past,
rendered in a backfill, records nothing, because nobody was asked to decide by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from ecom_pipeline.errors import EcomError
from ecom_pipeline.insights.actions import Shown
from ecom_pipeline.insights.signals import Cause

REMEMBERED = 4  # periods
_PATIENCE_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (report TEXT, last_day TEXT, PRIMARY KEY (report, last_day));
CREATE TABLE IF NOT EXISTS decisions (
    report TEXT NOT NULL, last_day TEXT NOT NULL, kpi TEXT NOT NULL, cause TEXT NOT NULL,
    kpi_last_day TEXT NOT NULL, value TEXT NOT NULL, edge TEXT NOT NULL, PRIMARY KEY (report, last_day, kpi)
);
"""


def record_shown(file: Path, report: str, last_day: date, decisions: Iterable[Shown]) -> bool:
    """Write down what a report ("weekly/direction") of the period ending with a day shows; False when it was before.

    Raises:
        EcomError: the file cannot be written.
    """
    rows = [
        (
            report,
            str(last_day),
            one.kpi,
            one.cause.value,
            str(one.kpi_last_day),
            str(one.value),
            str(one.edge),
        )
        for one in decisions
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    with _opened(file) as connection, connection:
        known = connection.execute("INSERT OR IGNORE INTO reports VALUES (?, ?)", [report, str(last_day)])
        is_new = known.rowcount == 1
        if is_new:
            connection.executemany("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return is_new


def read_shown(file: Path, report: str, since: date, before: date) -> tuple[Shown, ...]:
    """What that report showed for the periods that ended on or after a day and before another, oldest first.

    Raises:
        EcomError: the file cannot be read.
    """
    if not file.is_file():
        return ()
    with _opened(file) as connection:
        rows = connection.execute(
            "SELECT last_day, kpi, cause, kpi_last_day, value, edge FROM decisions "
            "WHERE report = ? AND last_day >= ? AND last_day < ? ORDER BY last_day, rowid",
            [report, str(since), str(before)],
        ).fetchall()
    return tuple(
        Shown(
            date.fromisoformat(last_day),
            kpi,
            Cause(cause),
            date.fromisoformat(day),
            Decimal(value),
            Decimal(edge),
        )
        for last_day, kpi, cause, day, value, edge in rows
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
