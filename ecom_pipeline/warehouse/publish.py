"""The published copy: a warehouse file for readers, replaced atomically after each run.

It holds models, KPIs and ledgers, not the raw log: readers never hold up the writer, and see a whole
run or none of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

PUBLISHED_SCHEMAS = ("model", "kpi", "ops", "config")


def publish(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    """Write the copy beside its place and move it there; returns its size in bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}.new")
    for leftover in file.parent.glob("*.new*"):
        leftover.unlink()
    connection.execute(f"ATTACH '{_quoted(new)}' AS published")
    try:
        for schema in PUBLISHED_SCHEMAS:
            connection.execute(f"CREATE SCHEMA published.{schema}")
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = CURRENT_DATABASE() "
            "AND LIST_CONTAINS(?, schema_name) ORDER BY 1, 2",
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'CREATE TABLE published.{schema}."{table}" AS FROM {schema}."{table}"')
    finally:
        connection.execute("DETACH published")
    os.replace(new, file)
    return file.stat().st_size


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
