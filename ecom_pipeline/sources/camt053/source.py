"""CAMT.053 as a source: a folder into which the bank's statements are dropped, read as one sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from ecom_pipeline.errors import EcomError, SourceError
from ecom_pipeline.sources.camt053.reading import Movement, Statement, StatementFile
from ecom_pipeline.sources.camt053.sequence import Problem, counted, problems
from ecom_pipeline.sources.camt053.tables import BALANCES, MOVEMENTS, balance_row, movement_row
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.http import subject


class Camt053Settings(SourceSettings):
    """The folder and which of its files are statements.

    `overdue_days` is how long after the last statement its days still count as quiet: weekends and holidays for a
    bank that sends one a day, a month and some for one that sends one a month.
    """

    folder: Path
    path: str = "*.xml"
    overdue_days: int = Field(default=5, ge=1)

    @field_validator("path")
    @classmethod
    def _stays_within(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("path must stay within the folder")
        return value


class Camt053(Source):
    """Movements and closing balances of bank accounts, from statements in CAMT.053."""

    vendor = "camt053"
    title = "Bank statements (CAMT.053)"
    family = "bank"
    credentials = "None: the statements lie in a folder that the user who runs the pipeline may read."
    Settings = Camt053Settings
    tables = (MOVEMENTS, BALANCES)

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        statements = self._statements(named)
        self._require_whole(statements, window, named)
        inside = [one for one in statements if one.closing_day >= window.first_day]
        if table.name == BALANCES.name:
            yield from self._balances(inside, window)
        else:
            yield from self._movements(inside, window, named)

    def check(self) -> list[Finding]:
        try:
            statements = self._statements(self.name)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}".strip(), error.mend)]
        accounts = len({one.account for one in statements})
        newest = max(one.closing_day for one in statements)
        detail = (
            f"{len(statements)} statements of {accounts} accounts can be read; the newest closes on {newest}."
        )
        return [Finding(self.name, "ok", detail), *map(self._told, problems(statements))]

    def _told(self, problem: Problem) -> Finding:
        mend = "Ask the bank for the missing statement and drop it into the folder."
        detail = f"{problem.why[0].upper()}{problem.why[1:]}."
        return Finding(f"{self.name}, sequence", "error" if problem.certain else "warning", detail, mend)

    def _files(self, named: str) -> list[Path]:
        folder = self.settings.folder
        if not folder.is_dir():
            what = f"{named}: the folder {folder} is not there."
            raise SourceError(what, mend="Make it, or correct folder in ecom.toml.")
        found = sorted(file for file in folder.glob(self.settings.path) if file.is_file())
        if not found:
            # No file is not the same as no movement: taken for it, everything known would be deleted.
            what = f"{named}: no file in {folder} matches {self.settings.path}."
            raise SourceError(what, mend="Drop the statements there, or correct path in ecom.toml.")
        return found

    def _read(self, file: Path, named: str) -> Iterator[tuple[Statement, list[Movement]]]:
        name = file.relative_to(self.settings.folder).as_posix()
        return StatementFile(file, name, named, ZoneInfo(self.context.time_zone)).read()

    def _statements(self, named: str) -> list[Statement]:
        """The statements that count, each read to its end."""
        found: dict[tuple[str, int], Statement] = {}
        for file in self._files(named):
            found |= {_version(statement): statement for statement, _ in self._read(file, named)}
        return counted(found.values())

    def _require_whole(self, statements: list[Statement], window: Window, named: str) -> None:
        """Raise SourceError when the statements do not tell the window's days: silence would be taken for zero."""
        first, last = min(one.closing_day for one in statements), max(one.closing_day for one in statements)
        for problem in problems(statements):
            if (
                problem.certain
                and problem.first_day <= window.last_day
                and window.first_day <= problem.last_day
            ):
                mend = "Ask the bank for the missing statement, drop it into the folder, and run this window again."
                raise SourceError(f"{named}: the statements have a hole.", why=f"{problem.why}.", mend=mend)
        overdue = (window.last_day - last).days > self.settings.overdue_days
        if overdue or window.last_day < first:
            raise SourceError(
                f"{named}: no statement tells of these days.",
                why=f"The statements in {self.settings.folder} close between {first} and {last}.",
                mend="Drop the missing ones into the folder. If the bank sends them rarely, raise overdue_days.",
            )

    def _balances(self, statements: list[Statement], window: Window) -> Iterator[Row]:
        # Several statements of one day are in their order: the last one closes the day.
        closing = {(one.account, one.closing_day): one for one in statements if one.closing is not None}
        for one in closing.values():
            if one.closing_day <= window.last_day:
                yield balance_row(one, self.context.time_zone, self.context.pseudonym_key)

    def _movements(self, statements: list[Statement], window: Window, named: str) -> Iterator[Row]:
        places, key = _places(statements), self.context.pseudonym_key
        for file in sorted({one.file for one in statements}):
            positions: Counter[int] = Counter()
            for statement, movements in self._read(self.settings.folder / file, named):
                place = places.get(_version(statement))
                for movement in movements if place is not None else ():
                    positions[statement.ordinal] += 1
                    if window.first_day <= movement.day <= window.last_day:
                        where = f"{place}/{positions[statement.ordinal]}"
                        yield movement_row(movement, statement, where, key)


def _version(one: Statement) -> tuple[str, int]:
    return (one.file, one.ordinal)


def _places(statements: list[Statement]) -> dict[tuple[str, int], int]:
    """Where each statement stands among those of its account and day."""
    places: dict[tuple[str, int], int] = {}
    told: Counter[tuple[str, date]] = Counter()
    for one in statements:
        told[one.account, one.closing_day] += 1
        places[_version(one)] = told[one.account, one.closing_day]
    return places
