"""The published copy: a warehouse file for readers, replaced atomically after each run.

It holds models, KPIs and ledgers, not the raw log: readers never hold up the writer, and see a whole run or none of
it. What the change log does not name since the copy before is taken from that copy, so that publishing a day costs
what changed, not the length of the history.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from ecom_pipeline.warehouse.raw_log import transaction

PUBLISHED_SCHEMAS = ("model", "kpi", "ops", "config")

Tables = dict[tuple[str, str], tuple[str, str | None]]
"""Of each table its columns, and the definition it was built under where the change log follows it day by day."""


def publish(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    """Write the copy beside its place and move it there; returns its size in bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}.new")
    for leftover in file.parent.glob("*.new*"):
        leftover.unlink()
    known = _attach(connection, file, new)
    try:
        with transaction(connection):
            _bring_up_to_date(connection, known)
    finally:
        connection.execute("DETACH published")
    os.replace(new, file)
    return file.stat().st_size


def _attach(connection: duckdb.DuckDBPyConnection, file: Path, new: Path) -> int | None:
    """Attach the file to write: the copy before, or an empty one where that cannot be built upon.

    Returns up to where of the change log the copy is true. The warehouse remembers it from before the copy is
    written: a copy that does not say the same is of another publication, and what changed since may be forgotten.
    """
    ((sequence, told),) = connection.execute(
        "SELECT (SELECT COALESCE(MAX(sequence), 0) FROM ops.changes), (SELECT MAX(sequence) FROM ops.published)"
    ).fetchall()
    with transaction(connection):
        connection.execute("DELETE FROM ops.published")
        connection.execute("INSERT INTO ops.published VALUES (?)", [sequence])
    attach = f"ATTACH '{_quoted(new)}' AS published"
    if told is not None and file.is_file():
        shutil.copyfile(file, new)
        try:
            connection.execute(attach)
            if connection.execute("SELECT sequence FROM published.ops.published").fetchall() == [(told,)]:
                return int(told)
        except duckdb.Error:
            pass  # no copy of ours, or a broken one: it is replaced as a whole
        connection.execute("DETACH DATABASE IF EXISTS published")
        new.unlink()
    connection.execute(attach)
    return None


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection, known: int | None) -> None:
    for schema in PUBLISHED_SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{schema}")
    (name,) = connection.execute("SELECT CURRENT_DATABASE()").fetchall()[0]
    wanted, given = _tables(connection, name), _tables(connection, "published")
    kept = {
        table
        for table, (columns, definition) in wanted.items()
        if known is not None and definition is not None and given.get(table) == (columns, definition)
    }
    for schema, table in given.keys() - kept:
        connection.execute(f'DROP TABLE published.{schema}."{table}"')
    for schema, table in sorted(wanted.keys() - kept):
        connection.execute(f'CREATE TABLE published.{schema}."{table}" AS FROM {schema}."{table}"')
    named = connection.execute("SELECT DISTINCT node FROM ops.changes WHERE sequence > ?", [known]).fetchall()
    for schema, table in sorted(table for table in kept if (".".join(table),) in named):
        days = f"SELECT day FROM ops.changes WHERE node = '{schema}.{table}' AND sequence > {known}"
        connection.execute(f'DELETE FROM published.{schema}."{table}" WHERE day IN ({days})')
        connection.execute(
            f'INSERT INTO published.{schema}."{table}" FROM {schema}."{table}" WHERE day IN ({days})'
        )


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> Tables:
    """The published tables of a database."""
    columns = connection.execute(
        "SELECT schema_name, table_name, STRING_AGG(column_name || ' ' || data_type, ', ' ORDER BY column_index) "
        "FROM duckdb_columns() WHERE database_name = ? AND LIST_CONTAINS(?, schema_name) GROUP BY ALL",
        [database, list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    definitions: dict[str, str] = {}
    if any((schema, table) == ("ops", "built") for schema, table, _ in columns):
        built = connection.execute(f'SELECT node, fingerprint FROM "{database}".ops.built').fetchall()
        definitions = {"kpi.daily": "", **dict(built)}
    return {(schema, table): (told, definitions.get(f"{schema}.{table}")) for schema, table, told in columns}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
