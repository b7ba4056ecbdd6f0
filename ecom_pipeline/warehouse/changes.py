"""Which days of which table changed: how work follows what changed, not the length of the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from ecom_pipeline.warehouse.catalog import Node, Touch, canonical_tables
from ecom_pipeline.warehouse.rows import columns_of, fetch_row

LONG_LOG = 100_000  # entries; every step of a build reads it, which is no matter below this


def record_changes(
    connection: duckdb.DuckDBPyConnection,
    node: str,
    before: str,
    after: str,
    watched: Sequence[str] = (),
    source: str | None = None,
) -> int:
    """Compare a table's rows before and after, write the days that differ to the change log, count them.

    The days that watched SQL (see `Touch.column`) gives of the rows that differ are written too, as those of
    `<node>@<SQL>`: a row that vanished can no longer be asked. Of rows of a source the days are written once
    more, as those of `node<source`, so that what they change later has a cause. All are left in `rows_changed`.
    """
    columns = ", ".join(("day", *(f"{sql} AS watched_{number}" for number, sql in enumerate(watched))))
    row = fetch_row(
        connection,
        f"CREATE OR REPLACE TEMP TABLE rows_changed AS SELECT DISTINCT {columns} "
        f"FROM {differing(connection, before, after)}",
    )
    if row == (0,):
        return 0
    for number, sql in enumerate(watched):
        log_changes(connection, f"{node}@{sql}", f"SELECT DISTINCT watched_{number} AS day FROM rows_changed")
    return log_changes(connection, node, "SELECT DISTINCT day FROM rows_changed", source)


def differing(connection: duckdb.DuckDBPyConnection, before: str, after: str) -> str:
    """SQL of the rows that stand in one of two tables and not, or less often, in the other."""
    if fetch_row(connection, f"SELECT 1 FROM {before} LIMIT 1") is None:
        return after
    # One grouping of both sides: EXCEPT ALL would number the rows of each side twice.
    return f"""(SELECT * EXCLUDE (side) FROM (
            SELECT *, 1 AS side FROM {after} UNION ALL SELECT *, -1 AS side FROM {before})
        GROUP BY ALL HAVING SUM(side) <> 0)"""


def log_changes(
    connection: duckdb.DuckDBPyConnection, node: str, days: str, source: str | None = None
) -> int:
    """Write the days a query gives to the change log, under one number; count them."""
    names = [node] if source is None else [node, f"{node}<{source}"]
    row = fetch_row(
        connection,
        "INSERT INTO ops.changes SELECT s.sequence, n.node, d.day "
        f"FROM ({days}) AS d, (SELECT NEXTVAL('ops.change_sequence') AS sequence) AS s, "
        "(SELECT UNNEST(?::VARCHAR[]) AS node) AS n WHERE d.day IS NOT NULL",
        [names],
    )
    return int(row[0]) // len(names) if row else 0


def forget_changes(connection: duckdb.DuckDBPyConnection, nodes: Sequence[str]) -> None:
    """Drop what all nodes and the readers' copy have taken into account, once the log has grown long.

    The newest entry stays: from it follows where the log ends.
    """
    row = fetch_row(connection, "SELECT COUNT(*) FROM ops.changes")
    if row is None or row[0] < LONG_LOG:
        return
    connection.execute(
        """
        DELETE FROM ops.changes WHERE sequence < (SELECT MAX(sequence) FROM ops.changes) AND sequence <= (
            SELECT COALESCE(MIN(COALESCE(b.sequence, 0)), 0)
            FROM (SELECT UNNEST(?::VARCHAR[]) AS node) AS n LEFT JOIN ops.built AS b ON b.node = n.node)
            AND sequence <= ALL (SELECT sequence FROM ops.published)
        """,
        [list(nodes)],
    )


Changed = dict[str, list[tuple[int, date | None]]]
"""What changed lately: of each table the numbers of its changes and their days."""


def followed(nodes: Sequence[Node]) -> list[str]:
    """The names in the change log whose changes touch the nodes."""
    watched = {
        f"{name}@{touch.column}" for node in nodes for name, touch in node.touches.items() if touch.column
    }
    return sorted(watched.union(*(node.inputs for node in nodes)))


def changes_since(connection: duckdb.DuckDBPyConnection, names: Sequence[str], since: int) -> Changed:
    """What the change log tells of the names after a point of it."""
    changed: Changed = {}
    for name, sequence, day in connection.execute(
        "SELECT node, MAX(sequence), day FROM ops.changes WHERE sequence > ? AND LIST_CONTAINS(?, node) "
        "GROUP BY node, day",
        [since, names],
    ).fetchall():
        changed.setdefault(name, []).append((sequence, day))
    return changed


def touched_days(
    connection: duckdb.DuckDBPyConnection,
    node: Node,
    since: int,
    changed: Changed,
    bounds: tuple[date, date],
) -> list[date]:
    """The days of a node that changes of its inputs since a point of the change log touch, within bounds."""
    found: set[date] = set()
    for dependency in node.inputs:
        days = {day for sequence, day in changed.get(dependency, ()) if sequence > since}
        if days:
            touch = node.touches.get(dependency, Touch())
            found.update(_touched_by(connection, node, dependency, touch, days, bounds))
            watched = changed.get(f"{dependency}@{touch.column}", ())
            found.update(day for sequence, day in watched if sequence > since and day is not None)
    first, last = bounds
    return sorted(day for day in found if first <= day <= last)


def _touched_by(
    connection: duckdb.DuckDBPyConnection,
    node: Node,
    dependency: str,
    touch: Touch,
    changed: set[date | None],
    bounds: tuple[date, date],
) -> set[date]:
    first, last = bounds
    days = [day for day in changed if day is not None]
    if touch.everything or len(days) < len(changed):
        return set(days_between(first, last))
    if touch.after:
        return set(days_between(max(min(days), first), last))
    found = _around(touch, days, bounds)
    if touch.through:
        for table in _bearing(connection, node, touch.through):
            # Two reads, each of which the engine can bound: of a long history it then reads little.
            found |= _days(
                connection,
                f"SELECT DISTINCT day FROM {table} WHERE {touch.through} IN (SELECT UNNEST(?::DATE[])) "
                f"AND {touch.through} BETWEEN ? AND ? "
                f"UNION SELECT DISTINCT day FROM {table} WHERE {touch.through} IS NULL",
                [days, min(days), max(days)],
            )
    if touch.customers:
        for table in _with_customers(connection, node, dependency):
            found |= _days(
                connection,
                f"SELECT DISTINCT day FROM {table} WHERE day >= ? AND customer IN (SELECT customer FROM {dependency} "
                f"WHERE {touch.customers} IN (SELECT UNNEST(?::DATE[])))",
                [min(days), days],
            )
    borne = [(column, sql, dependency) for column, sql in touch.naming.items()]
    if touch.sharing:
        borne.append((touch.sharing, touch.sharing, node.name))
    for column, sql, table in borne:
        found |= _days(
            connection,
            f"SELECT DISTINCT day FROM {node.name} WHERE {column} IN (SELECT {sql} FROM {table} "
            "WHERE day IN (SELECT UNNEST(?::DATE[])))",
            [days],
        )
    return found


def _days(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any]) -> set[date]:
    return {day for (day,) in connection.execute(sql, parameters).fetchall()}


def _with_customers(connection: duckdb.DuckDBPyConnection, node: Node, dependency: str) -> list[str]:
    """The node's other models that have customers."""
    return [
        name
        for name in node.inputs
        if name.startswith("model.") and name != dependency and "customer" in columns_of(connection, name)
    ]


def _bearing(connection: duckdb.DuckDBPyConnection, node: Node, column: str) -> list[str]:
    """The node's own table and its inputs, as far as they have the column."""
    models = [name for name in (node.name, *node.inputs) if name.startswith("model.")]
    built = [name for name in models if column in columns_of(connection, name)]
    mapped = [name.split(".")[1] for name in node.inputs if name.startswith("mapped.")]
    return built + [f"mapped.{name}" for name in mapped if column in canonical_tables()[name].columns]


def _around(touch: Touch, days: list[date], bounds: tuple[date, date]) -> set[date]:
    reach = range(-touch.backward, touch.forward + 1)
    first, last = bounds[0].toordinal(), bounds[1].toordinal()
    numbers = {day.toordinal() + offset for day in days for offset in reach}
    return {date.fromordinal(number) for number in numbers if first <= number <= last}


def days_between(first: date, last: date) -> list[date]:
    """All days from first to last, both included; none when last is before first."""
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
