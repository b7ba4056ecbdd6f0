"""The raw log: what the vendors said, as they said it, each load one transaction with its ledger.

A load deletes what it replaces, inserts, and writes the ledger, all or nothing. What "replaces" means
follows from how the table changes (see `Change`): log and full tables append versions and the newest
wins; restated tables replace days; snapshots replace their day. An older version never overwrites a newer
one, and loading the same answer twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb

from ecom_pipeline.sources.contract import Change, Table, Window
from ecom_pipeline.warehouse.raw_tables import lacking
from ecom_pipeline.warehouse.rows import fetch_row
from ecom_pipeline.warehouse.spool import Spool


@dataclass(frozen=True)
class LoadResult:
    """What a load did, for the ledger's readers and the run's metadata."""

    load_id: int  # 0: there was nothing to ask for
    rows_read: int
    rows_stored: int  # rows that were new or changed
    rows_removed: int  # rows replaced or found to have vanished
    new_columns: tuple[str, ...]  # columns the vendor never sent before; ignored


def raw_table(source: str, table: str) -> str:
    """The quoted name of a raw table."""
    return f'raw."{source}__{table}"'


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing: commits at the end, rolls back on any exception."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def load_table(connection: duckdb.DuckDBPyConnection, spool: Spool, window: Window) -> LoadResult:
    """Put a spooled window into the raw log, in one transaction."""
    source, table = spool.source, spool.table
    window = _stored_window(table, window)
    connection.register("spooled", spool.parent_rows())
    lacking = _lacking(connection, source, table)
    try:
        with transaction(connection):
            _run(connection, lacking)
            load_id = _next_load_id(connection)
            stored, removed = _LOADERS[table.change](connection, source, table, window, load_id)
            if stored and table.children:
                _store_children(connection, spool, load_id)
            new_columns = _new_columns(connection, spool)
            _write_ledger(connection, spool, window, load_id, (stored, removed))
    finally:
        connection.unregister("spooled")
    return LoadResult(load_id, spool.rows_read, stored, removed, new_columns)


def _stored_window(table: Table, window: Window) -> Window:
    """The days that are stored: of a snapshot only the newest, whatever was asked."""
    if table.change is not Change.SNAPSHOT:
        return window
    return Window(window.newest_day, window.newest_day, window.time_zone, window.asked_at)


def _was_asked_later(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window
) -> bool:
    """Whether a later answer is stored already."""
    row = fetch_row(
        connection,
        "SELECT 1 FROM ops.loads WHERE source = ? AND table_name = ? AND kind = 'window' AND asked_at > ? LIMIT 1",
        [source, table.name, _naive(window.asked_at)],
    )
    return row is not None


def sweep_table(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window, keys: list[str]
) -> LoadResult:
    """Mark records created in the window that the vendor no longer holds; unmark those it holds again.

    The table tells by its column `created_at` when a record was created.
    """
    name = raw_table(source, table.name)
    lacking = _lacking(connection, source, table)
    with transaction(connection):
        _run(connection, lacking)
        load_id = _next_load_id(connection)
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE living AS SELECT UNNEST(?::VARCHAR[]) AS _record", [keys]
        )
        gone = fetch_row(
            connection,
            f"""
            INSERT INTO {name} BY NAME
            SELECT n._record, {load_id} AS _load_id, TRUE AS _deleted, '' AS _hash, n._record AS {table.key[0]},
                   CAST(? AS TIMESTAMP) AS {table.version}, n.created_at AS created_at
            FROM ({newest(source, table)}) AS n
            WHERE NOT n._deleted AND n.created_at >= ? AND n.created_at < ?
              AND n._record NOT IN (SELECT _record FROM living)
            """,
            [_naive(window.asked_at), _naive(window.start_at), _naive(window.end_at)],
        )
        connection.execute(
            f"""INSERT INTO ops.returned SELECT DISTINCT ?, ?, _record, {load_id} FROM {name}
                WHERE _deleted AND _record IN (SELECT _record FROM living)""",
            [source, table.name],
        )
        connection.execute(f"DELETE FROM {name} WHERE _deleted AND _record IN (SELECT _record FROM living)")
        vanished = gone[0] if gone else 0
        _insert_load(connection, source, table, window, load_id, "sweep", (len(keys), vanished, 0), "")
    return LoadResult(load_id, len(keys), vanished, 0, ())


def newest(source: str, table: Table) -> str:
    """SQL of the newest version of each record of a log or full table, tombstones included."""
    order = f"{table.version} DESC, _load_id DESC" if table.version else "_load_id DESC"
    return f"""SELECT * EXCLUDE (_rank) FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY _record ORDER BY {order}) AS _rank
        FROM {raw_table(source, table.name)}) WHERE _rank = 1"""


def _store_log(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window, load_id: int
) -> tuple[int, int]:
    # Versions follow the order of loading: a bound lets the engine skip all that was loaded long before.
    bounds = fetch_row(
        connection,
        f"SELECT MIN({table.version}), COUNT(*) > COUNT({table.version}) FROM spooled",
    )
    assert bounds is not None
    connection.execute("SET VARIABLE oldest_spooled = ?", [bounds[0]])
    recent = "" if bounds[0] is None or bounds[1] else f"AND {table.version} >= GETVARIABLE('oldest_spooled')"
    known = f"""SELECT 1 FROM (
            SELECT _record, {table.version}, ARG_MAX(_hash, _load_id) AS _hash FROM {raw_table(source, table.name)}
            WHERE NOT _deleted AND _record IN (SELECT _record FROM spooled) {recent}
            GROUP BY _record, {table.version}) AS r
        WHERE r._record = s._record AND r._hash = s._hash
          AND r.{table.version} IS NOT DISTINCT FROM s.{table.version}"""
    return _append(connection, source, table, load_id, known, f"{table.version} DESC"), 0


def _store_full(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window, load_id: int
) -> tuple[int, int]:
    name = raw_table(source, table.name)
    if _was_asked_later(connection, source, table, window):
        return 0, 0
    connection.execute(f"CREATE OR REPLACE TEMP TABLE newest_before AS {newest(source, table)}")
    known = """SELECT 1 FROM newest_before AS r
               WHERE r._record = s._record AND r._hash = s._hash AND NOT r._deleted"""
    stored = _append(connection, source, table, load_id, known, "_position DESC")
    gone = fetch_row(
        connection,
        f"""
        INSERT INTO {name} BY NAME
        SELECT * REPLACE ({load_id} AS _load_id, TRUE AS _deleted, '' AS _hash) FROM newest_before
        WHERE NOT _deleted AND _record NOT IN (SELECT _record FROM spooled)
        """,
    )
    return stored, gone[0] if gone else 0


def _append(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, load_id: int, known: str, order: str
) -> int:
    columns = ", ".join(f"s.{column.name}" for column in table.columns)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE stored_positions AS
        SELECT s._position FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY _record ORDER BY {order}, _position DESC) AS _rank
            FROM spooled) AS s
        WHERE s._rank = 1 AND NOT EXISTS ({known})
        """
    )
    row = fetch_row(
        connection,
        f"""
        INSERT INTO {raw_table(source, table.name)} BY NAME
        SELECT {columns}, s._record, s._hash, {load_id} AS _load_id, FALSE AS _deleted
        FROM spooled AS s JOIN stored_positions AS p ON p._position = s._position
        ORDER BY s._position
        """,
    )
    return row[0] if row else 0


def _store_restated(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window, load_id: int
) -> tuple[int, int]:
    return _replace(connection, source, table, load_id, f"CAST(s.{table.day} AS VARCHAR)", window)


def _store_snapshot(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, window: Window, load_id: int
) -> tuple[int, int]:
    return _replace(connection, source, table, load_id, f"'{window.newest_day.isoformat()}'", window)


def _replace(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: Table,
    load_id: int,
    record: str,
    window: Window,
) -> tuple[int, int]:
    """Replace the window's days, except those of which a later answer is stored already."""
    name = raw_table(source, table.name)
    days = """_record BETWEEN ? AND ? AND _record NOT IN (
        SELECT CAST(day AS VARCHAR) FROM ops.loaded_days WHERE source = ? AND table_name = ? AND loaded_at > ?)"""
    parameters = [
        window.first_day.isoformat(), window.last_day.isoformat(), source, table.name, _naive(window.asked_at),
    ]  # fmt: skip
    removed = fetch_row(connection, f"DELETE FROM {name} WHERE {days}", parameters)
    columns = ", ".join(f"s.{column.name}" for column in table.columns)
    snapshot = ", CAST(_record AS DATE) AS snapshot_day" if table.change is Change.SNAPSHOT else ""
    stored = fetch_row(
        connection,
        f"""
        INSERT INTO {name} BY NAME
        SELECT * {snapshot} FROM (
            SELECT {columns}, {record} AS _record, s._hash, {load_id} AS _load_id, FALSE AS _deleted FROM spooled AS s
            QUALIFY ROW_NUMBER() OVER (PARTITION BY {", ".join(table.key)} ORDER BY s._position DESC) = 1
        ) WHERE {days}
        """,
        parameters,
    )
    return stored[0] if stored else 0, removed[0] if removed else 0


_LOADERS = {
    Change.LOG: _store_log,
    Change.FULL: _store_full,
    Change.RESTATED: _store_restated,
    Change.SNAPSHOT: _store_snapshot,
}


def _store_children(connection: duckdb.DuckDBPyConnection, spool: Spool, load_id: int) -> None:
    for child in spool.table.children:
        connection.register("spooled_children", spool.child_rows(child))
        columns = ", ".join(f"c.{column.name}" for column in child.columns)
        connection.execute(
            f"""
            INSERT INTO {raw_table(spool.source, child.name)} BY NAME
            SELECT {columns}, c._record, {load_id} AS _load_id
            FROM spooled_children AS c JOIN stored_positions AS p ON p._position = c._position
            ORDER BY c._position
            """
        )
        connection.unregister("spooled_children")


def _lacking(connection: duckdb.DuckDBPyConnection, source: str, table: Table) -> list[str]:
    return lacking(connection, table, lambda name: raw_table(source, name))


def _run(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement)


def _next_load_id(connection: duckdb.DuckDBPyConnection) -> int:
    row = fetch_row(connection, "SELECT COALESCE(MAX(load_id), 0) + 1 FROM ops.loads")
    assert row is not None
    return int(row[0])


def _new_columns(connection: duckdb.DuckDBPyConnection, spool: Spool) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT columns_seen FROM ops.loads WHERE source = ? AND table_name = ? AND columns_seen <> ''",
        [spool.source, spool.table.name],
    ).fetchall()
    if not rows:
        return ()
    seen = {name for (names,) in rows for name in names.split(",")}
    declared = {column.name for column in spool.table.columns} | {
        child.name for child in spool.table.children
    }
    return tuple(sorted(spool.columns_seen - seen - declared))


def _write_ledger(
    connection: duckdb.DuckDBPyConnection, spool: Spool, window: Window, load_id: int, counts: tuple[int, int]
) -> None:
    table = spool.table
    columns = ",".join(sorted(spool.columns_seen))
    _insert_load(
        connection, spool.source, table, window, load_id, "window", (spool.rows_read, *counts), columns
    )
    asked_at = _naive(window.asked_at)
    connection.execute(
        """
        INSERT INTO ops.loaded_days
        SELECT ?, ?, CAST(day AS DATE), ?, ? FROM GENERATE_SERIES(?::DATE, ?::DATE, INTERVAL 1 DAY) AS t(day)
        ON CONFLICT DO UPDATE SET first_loaded_at = LEAST(first_loaded_at, EXCLUDED.first_loaded_at),
                                  loaded_at = GREATEST(loaded_at, EXCLUDED.loaded_at)
        """,
        [
            spool.source, table.name, asked_at, asked_at,
            window.first_day, min(window.last_day, window.newest_day),
        ],
    )  # fmt: skip


def last_loaded_day(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, before: date
) -> date | None:
    """The last day before the given one that was loaded; None when there is none."""
    row = fetch_row(
        connection,
        "SELECT MAX(day) FROM ops.loaded_days WHERE source = ? AND table_name = ? AND day < ?",
        [source, table.name, before],
    )
    return row[0] if row else None


def _insert_load(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: Table,
    window: Window,
    load_id: int,
    kind: str,
    counts: tuple[int, int, int],
    columns: str,
) -> None:
    connection.execute(
        "INSERT INTO ops.loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            load_id, source, table.name, kind, window.first_day, window.last_day, _naive(window.asked_at),
            *counts, columns,
        ],
    )  # fmt: skip


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def restated_window(table: Table, window: Window) -> Window:
    """The window widened by what the vendor may still restate at the instant of asking, and by lead days."""
    if table.change is not Change.RESTATED:
        return window
    settled = window.newest_day - timedelta(days=table.restate_days - 1)
    first = min(window.first_day, max(window.first_day - timedelta(days=table.restate_days), settled))
    first = min(first, window.first_day - timedelta(days=table.lead_days))
    return Window(first, window.last_day, window.time_zone, window.asked_at)
