"""Files as a source: the folder is the truth, and its tables are what `ecom.toml` says they are.

A file that is changed replaces its own rows, one that is dropped again with the same content changes nothing,
and rows that are alike are different rows: a row's key is its place in its file unless the table names a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.errors import ConfigurationError, EcomError, SchemaError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, Table, Window
from ecom_pipeline.sources.files.reading import FileReader
from ecom_pipeline.sources.files.settings import DAY, ROW_ID, FilesSettings, FileTable
from ecom_pipeline.sources.files.values import CellError, converter
from ecom_pipeline.sources.http import subject

TOLD_PROBLEMS = 5
TRIED_ROWS = 100
HEADER = "/* ---\ndescription: {description}\n--- */\n"


class Files(Source):
    """Tables read from CSV or Parquet files in a folder."""

    vendor = "files"
    title = "Files"
    family = "files"
    credentials = "None: the files lie in a folder that the user who runs the pipeline may read."
    Settings = FilesSettings
    tables = ()

    @classmethod
    def declared_tables(cls, settings: FilesSettings) -> tuple[Table, ...]:
        return tuple(said.declared(name) for name, said in settings.all_tables.items())

    @classmethod
    def declared_mappings(cls, settings: FilesSettings) -> dict[str, str]:
        return {
            _mapping_name(canonical, name): _mapping_text(settings.folder, text, canonical, said)
            for name, said in settings.all_tables.items()
            for canonical, text in said.maps.items()
        }

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        said = self.settings.all_tables[table.name]
        days = (window.first_day, window.last_day) if said.day is not None else None
        for file in self._files(said, named):
            yield from self._rows(FileReader(file, self._name_of(file), said, named), days)

    def check(self) -> list[Finding]:
        return [self._check_table(name, said) for name, said in self.settings.all_tables.items()]

    def _check_table(self, name: str, said: FileTable) -> Finding:
        named = f"{self.name}, {name}"
        try:
            files = self._files(said, named)
            for file in files:
                rows = self._rows(FileReader(file, self._name_of(file), said, named), None)
                for _ in zip(range(TRIED_ROWS), rows, strict=False):
                    pass
        except EcomError as error:
            return Finding(named, "error", f"{error.what} {error.why}".strip(), error.mend)
        return Finding(named, "ok", f"{len(files)} files match {said.path} and begin as described.")

    def _files(self, said: FileTable, named: str) -> list[Path]:
        """The table's files, in the order of their names."""
        folder = self.settings.folder
        if not folder.is_dir():
            what = f"{named}: the folder {folder} is not there."
            raise SourceError(what, mend="Make it, or correct folder in ecom.toml.")
        found = sorted(file for file in folder.glob(said.path) if file.is_file())
        if not found:
            # No file is not the same as no row: taken for it, everything known would be deleted.
            what = f"{named}: no file in {folder} matches {said.path}."
            raise SourceError(what, mend="Drop the file there, or correct path in ecom.toml.")
        return found

    def _name_of(self, file: Path) -> str:
        return file.relative_to(self.settings.folder).as_posix()

    def _rows(self, reader: FileReader, days: tuple[date, date] | None) -> Iterator[Row]:
        said, shop_zone = reader.table, ZoneInfo(self.context.time_zone)
        zone = ZoneInfo(said.time_zone) if said.time_zone else shop_zone
        key = self.context.pseudonym_key
        columns = [(name, converter(name, column, said, zone, key)) for name, column in said.columns.items()]
        day_at = next((at for at, (name, _) in enumerate(columns) if name == said.day), None)
        problems: list[str] = []
        for line in reader.lines(days):
            row: dict[str, Any] = {} if said.key else {ROW_ID: f"{reader.name}:{line.number}"}
            try:
                if day_at is not None:
                    day = _day_of(columns[day_at][1](line.cells[day_at]), shop_zone)
                    if days and not days[0] <= day <= days[1]:
                        continue
                    row[said.day_column or DAY] = day
                for (name, convert), cell in zip(columns, line.cells, strict=True):
                    row[name] = convert(cell)
            except CellError as error:
                problems.append(f"{line.where}, {error}")
                if len(problems) == TOLD_PROBLEMS:
                    break
            if not problems:
                yield row
        if problems:
            raise SchemaError(
                f"{reader.subject}: the file {reader.name} holds what its columns cannot.",
                why="; ".join(problems) + ".",
                mend="Correct these cells or the columns in ecom.toml. Nothing was stored of this table.",
            )


def _day_of(value: date | datetime | None, shop_zone: ZoneInfo) -> date:
    if value is None:
        raise CellError("the column that tells the day is empty")
    return value.astimezone(shop_zone).date() if isinstance(value, datetime) else value


def _mapping_name(canonical: str, table: str) -> str:
    """A table's mapping as the engine names it: unique though several tables feed one canonical table."""
    name, _, rest = canonical.partition("__")
    return "__".join(filter(None, (name, table, rest)))


def _mapping_text(folder: Path, text: str, canonical: str, said: FileTable) -> str:
    """The mapping's SQL with its header, from `ecom.toml` itself or from the file it names."""
    if re.fullmatch(r"[^\n]+\.sql", text.strip()):
        file = folder / text.strip()
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"The mapping {file} cannot be read.",
                why=error.strerror or "",
                mend=f"maps.{canonical} names a .sql file in the source's folder, or holds the SQL itself.",
            ) from None
    if text.lstrip().startswith("/* ---"):
        return text
    # JSON's text is YAML's too, whatever a glob is made of.
    description = json.dumps(f"{canonical} from the files {said.path}.", ensure_ascii=False)
    return HEADER.format(description=description) + text.strip() + "\n"
