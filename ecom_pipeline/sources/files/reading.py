"""Reads CSV and Parquet row by row, in bounded memory, and finds the place of what cannot be read.

The standard library's csv module reads CSV: it knows on which line it is, which a person needs who has to
mend a file, and its strict mode refuses a quote that never ends instead of swallowing the rest.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.files.settings import FileTable

BATCH_ROWS = 20_000
SUFFIXES = (".parquet", ".pq")
Days = tuple[date, date]


@dataclass(frozen=True)
class Line:
    """One row as it stands in the file: its place among the rows, where to look, and the wanted cells."""

    number: int
    where: str  # "line 7" or "row 7"
    cells: Sequence[Any]


class FileReader:
    """One file of a table. `name` is how errors and row keys call it."""

    def __init__(self, file: Path, name: str, table: FileTable, subject: str) -> None:
        self.file = file
        self.name = name
        self.table = table
        self.subject = subject
        self.wanted = [column.from_ for column in table.columns.values()]

    def lines(self, days: Days | None) -> Iterator[Line]:
        """The file's rows, cells in the order of the table's columns.

        `days` lets the reader leave out rows that are surely on other days; it need not.

        Raises:
            SchemaError: the file cannot be read, or lacks a column.
        """
        try:
            if self.file.suffix.lower() in SUFFIXES:
                yield from self._parquet_lines(days)
            else:
                yield from self._csv_lines()
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__, "Check the file.") from None

    def _csv_lines(self) -> Iterator[Line]:
        encoding = "utf-8-sig" if codecs.lookup(self.table.encoding).name == "utf-8" else self.table.encoding
        with self.file.open(encoding=encoding, newline="") as text:
            reader = csv.reader(text, delimiter=self.table.delimiter, strict=True)
            try:
                header = [cell.strip() for cell in next(reader, [])]
                places = self._places(header)
                number = 0
                first_line = reader.line_num + 1
                for cells in reader:
                    where, first_line = f"line {first_line}", reader.line_num + 1
                    if not any(cells):
                        continue
                    number += 1
                    if len(cells) != len(header):
                        why = f"{where} has {len(cells)} cells, the header has {len(header)}."
                        mend = "Look for an unquoted delimiter or a missing cell on that line."
                        raise self._unreadable(why, mend)
                    yield Line(number, where, [cells[place] for place in places])
            except UnicodeDecodeError:
                why = f"line {self._undecodable_line()} is not {self.table.encoding}."
                mend = 'Set encoding for the table: "cp1252" for files made by Excel in Western Europe.'
                raise self._unreadable(why, mend) from None
            except csv.Error as error:
                why = f"about line {reader.line_num}: {error}."
                raise self._unreadable(why, "Look for a quote that is never closed.") from None

    def _parquet_lines(self, days: Days | None) -> Iterator[Line]:
        try:
            with pq.ParquetFile(self.file) as parquet:
                self._places(parquet.schema_arrow.names)
                before = 0
                for batch in parquet.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(self.wanted))):
                    kept = self._maybe_within(batch, days)
                    columns = [kept.column(name).to_pylist() for name in self.wanted]
                    numbers = kept.column(kept.num_columns - 1).to_pylist()
                    for number, cells in zip(numbers, zip(*columns, strict=True), strict=True):
                        yield Line(before + number, f"row {before + number}", cells)
                    before += batch.num_rows
        except pa.ArrowException as error:
            why = f"it is no whole Parquet file ({type(error).__name__})."
            raise self._unreadable(why, "Copy it again.") from None

    def _maybe_within(self, batch: pa.RecordBatch, days: Days | None) -> pa.RecordBatch:
        """The batch with its rows numbered, less those surely on other days, whatever the time zone."""
        numbered = batch.append_column("", pa.array(range(1, batch.num_rows + 1)))
        if days is None or self.table.day is None:
            return numbered
        values = batch.column(self.table.columns[self.table.day].from_)
        if not pa.types.is_timestamp(values.type) and not pa.types.is_date(values.type):
            return numbered
        first, last = days[0] - timedelta(days=2), days[1] + timedelta(days=2)
        day = pc.cast(values, pa.date32(), safe=False)
        inside = pc.and_(pc.greater_equal(day, pa.scalar(first)), pc.less_equal(day, pa.scalar(last)))
        return numbered.filter(pc.or_(pc.is_null(values), pc.fill_null(inside, True)))

    def _places(self, header: Sequence[str]) -> list[int]:
        """Where the wanted columns stand."""
        missing = [name for name in self.wanted if name not in header]
        doubled = [name for name in self.wanted if header.count(name) > 1]
        if not missing and not doubled:
            return [header.index(name) for name in self.wanted]
        found = ", ".join(header)[:200] or "nothing"
        if doubled:
            raise self._unreadable(f"it has the column {doubled[0]} twice.", "Rename one of them.")
        mend = "Correct `from` in ecom.toml, or the file's header."
        if len(header) == 1 and (mark := next((mark for mark in ";\t|," if mark in header[0]), None)):
            mend = f"Set delimiter = {mark!r} for the table."
        raise self._unreadable(f"it lacks {', '.join(missing)}; its header is: {found}.", mend)

    def _undecodable_line(self) -> int:
        number = 0
        with self.file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    line.decode(self.table.encoding)
                except UnicodeDecodeError:
                    return number
        return number

    def _unreadable(self, why: str, mend: str) -> SchemaError:
        return SchemaError(
            f"{self.subject}: the file {self.name} cannot be read.",
            why=why,
            mend=f"{mend} Nothing was stored of this table.",
        )
