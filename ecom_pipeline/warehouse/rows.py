"""Reading one row: a result left half read would keep the connection busy."""

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
