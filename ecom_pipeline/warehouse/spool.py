"""Rows on their way to the raw log: checked, typed and written to Arrow files beside the warehouse.

A vendor may take minutes to answer; the warehouse is locked only for the short load that follows.
Memory is bounded by one batch. A missing or retyped column stops the table here, before anything of it
is stored.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Child, Column, Row, Table, Type

BATCH_ROWS = 20_000

_ARROW = {
    Type.STRING: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.DECIMAL: pa.decimal128(18, 6),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("us"),
}


class Spool:
    """Collects a table's rows, children apart, into Arrow files. Use as a context manager."""

    def __init__(self, source: str, table: Table, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.source = source
        self.table = table
        self.rows_read = 0
        self.columns_seen: set[str] = set()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{source}-{table.name}-", dir=folder))
        self._parent = _Sheet(
            self._folder / "rows.arrow", f"{source}.{table.name}", table.columns,
            ("_position", pa.int64()), ("_record", pa.string()), ("_hash", pa.string()),
        )  # fmt: skip
        self._children = {
            child.name: _Sheet(
                self._folder / f"{child.name}.arrow", f"{source}.{child.name}", child.columns,
                ("_position", pa.int64()), ("_record", pa.string()),
            )
            for child in table.children
        }  # fmt: skip

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, rows: Iterable[Row]) -> None:
        """Take all rows.

        Raises:
            SchemaError: a declared column is missing, null though required, or of another type.
        """
        for row in rows:
            self._add(row)
        for sheet in (self._parent, *self._children.values()):
            sheet.close()

    def parent_rows(self) -> pa.Table:
        return self._parent.read()

    def child_rows(self, child: Child) -> pa.Table:
        return self._children[child.name].read()

    def _add(self, row: Row) -> None:
        position = self.rows_read
        self.rows_read += 1
        if len(row) != len(self.columns_seen) or not self.columns_seen.issuperset(row):
            self.columns_seen.update(row)
        record = str(row.get(self.table.record, ""))
        values = self._parent.pick(row)
        digest = blake2b(repr(values).encode(), digest_size=16)
        for child in self.table.children:
            sheet = self._children[child.name]
            if child.name not in row:
                raise _missing(self._parent.label, child.name)
            for child_row in row[child.name]:
                picked = sheet.pick(child_row)
                digest.update(repr(picked).encode())
                sheet.add((*picked, position, record))
        self._parent.add((*values, position, record, digest.hexdigest()))


class _Sheet:
    """One Arrow file being written, column by column in batches."""

    def __init__(
        self, file: Path, label: str, columns: tuple[Column, ...], *own: tuple[str, pa.DataType]
    ) -> None:
        self.label = label
        self._file = file
        self._columns = columns
        self._names = tuple(column.name for column in columns)
        fields = [pa.field(column.name, _ARROW[column.type]) for column in columns]
        self._schema = pa.schema([*fields, *(pa.field(name, kind) for name, kind in own)])
        self._pending: list[tuple[Any, ...]] = []
        self._writer = pa.ipc.new_file(str(file), self._schema)

    def pick(self, row: Row) -> tuple[Any, ...]:
        try:
            return tuple([row[name] for name in self._names])
        except KeyError as error:
            raise _missing(self.label, str(error.args[0])) from None

    def add(self, values: tuple[Any, ...]) -> None:
        self._pending.append(values)
        if len(self._pending) >= BATCH_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def read(self) -> pa.Table:
        with pa.memory_map(str(self._file)) as source:
            return pa.ipc.open_file(source).read_all()

    def _flush(self) -> None:
        if not self._pending:
            return
        arrays = []
        for index, field in enumerate(self._schema):
            values = [row[index] for row in self._pending]
            if index < len(self._columns):
                arrays.append(self._array(self._columns[index], values))
            else:
                arrays.append(pa.array(values, field.type))
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._pending.clear()

    def _array(self, column: Column, values: list[Any]) -> pa.Array:
        try:
            array = pa.array(_converted(column.type, values), _ARROW[column.type])
        except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError, InvalidOperation, AttributeError):
            raise SchemaError(
                f"{self.label}: column {column.name} is not {column.type.name.lower()} any more.",
                why="The vendor's answer bears another type than the one declared.",
                mend="Compare with the vendor's documentation, mend the source's table, run the window again.",
            ) from None
        if column.required and array.null_count:
            raise SchemaError(
                f"{self.label}: column {column.name} is empty in {array.null_count} rows, and must not be.",
                mend="Check the vendor's answer; nothing of this window was stored, so run it again afterwards.",
            )
        return array


def _missing(label: str, column: str) -> SchemaError:
    return SchemaError(
        f"{label}: column {column} is missing from the vendor's answer.",
        why="The vendor renamed or removed it, or the credentials no longer show it.",
        mend="Compare with the vendor's documentation, mend the source's table, run the window again.",
    )


def _converted(kind: Type, values: list[Any]) -> list[Any]:
    if kind is Type.DECIMAL:
        return [_decimal(value) for value in values]
    if kind is Type.TIMESTAMP:
        return [_instant(value) for value in values]
    if kind is Type.DATE:
        return [
            date.fromisoformat(value) if isinstance(value, str) else _plain_date(value) for value in values
        ]
    if kind in (Type.INTEGER, Type.BOOLEAN) and any(isinstance(value, str) for value in values):
        raise TypeError
    if kind is Type.INTEGER and any(isinstance(value, bool | float) for value in values):
        raise TypeError
    return values


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, float | bool):
        raise TypeError("money is never a float")
    return Decimal(value)


def _plain_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        raise TypeError("an instant is not a day")
    if value is None or isinstance(value, date):
        return value
    raise TypeError


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).replace(tzinfo=None)
