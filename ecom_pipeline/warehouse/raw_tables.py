"""The tables of the raw log: made, and given new columns, as a source declares them."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from ecom_pipeline.sources.contract import Change, Child, Column, Table
from ecom_pipeline.warehouse.rows import columns_of


def lacking(connection: duckdb.DuckDBPyConnection, table: Table, name_of: Callable[[str], str]) -> list[str]:
    """The statements that bring a table and its children to what is declared: none on most days.

    To be asked outside of a transaction.
    """
    own = "_record VARCHAR NOT NULL, _load_id BIGINT NOT NULL"
    snapshot = ", snapshot_day DATE" if table.change is Change.SNAPSHOT else ""
    parent = f"{own}{snapshot}, _hash VARCHAR, _deleted BOOLEAN"
    found = _changes_of(connection, table, name_of(table.name), parent)
    for child in table.children:
        found += _changes_of(connection, child, name_of(child.name), own)
    return found


def _changes_of(
    connection: duckdb.DuckDBPyConnection, table: Table | Child, name: str, own: str
) -> list[str]:
    present = columns_of(connection, name)
    if not present:
        return [f"CREATE TABLE {name} ({', '.join(map(_ddl, table.columns))}, {own})"]
    return [
        f"ALTER TABLE {name} ADD COLUMN {_ddl(column)}"
        for column in table.columns
        if column.name not in present
    ]


def _ddl(column: Column) -> str:
    return f"{column.name} {column.type.value}"
