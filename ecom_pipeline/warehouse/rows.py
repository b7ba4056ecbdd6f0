"""Reading one row (a result left half read would keep the connection busy), and what columns a table has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb


def fetch_row(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> tuple[Any, ...] | None:
    """The first row of a query, or None; for statements that change rows, their count."""
    rows = connection.execute(sql, list(parameters)).fetchall()
    return rows[0] if rows else None


def columns_of(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """Names and types of the columns of `schema.table`; none where there is no such table.

    To be asked outside of a transaction, which the engine gives up where there is none.
    """
    try:
        return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
    except duckdb.CatalogException:
        return {}
