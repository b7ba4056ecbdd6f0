"""Builds models and KPIs for the days that were asked for and the days that late changes touched.

Every table is built by deleting and inserting days, so building again changes nothing and a backfill
equals the daily runs. Each table is one transaction with its entry in the ledger: a kill between two
leaves the rest to the next run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.warehouse.catalog import Node
from ecom_pipeline.warehouse.changes import (
    days_between,
    log_changes,
    record_changes,
    table_exists,
    touched_days,
)
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import (
    insert_kpi_rows,
    kpi_rows,
    record_restatements,
)
from ecom_pipeline.warehouse.raw_log import transaction
from ecom_pipeline.warehouse.rewrite import to_duckdb
from ecom_pipeline.warehouse.rows import fetch_row

COMPUTED_AT_ONCE = 84  # days: what a function computes is held in memory as rows


@dataclass(frozen=True)
class BuildRequest:
    """What a run asks for: whole local days, both ends included, and when it asks."""

    first_day: date
    last_day: date
    history_start: date
    time_zone: str
    now: datetime


@dataclass(frozen=True)
class Built:
    """What building one table did."""

    node: str
    days_built: int
    days_changed: int  # days whose rows differ from before, new days included
    restated: int  # KPI values already known that are different now


@dataclass(frozen=True)
class _Plan:
    days: list[date]
    as_of: date
    sequence: int
    known_until: date | None  # last day already built under the same definition
    since: int = 0  # where the change log stood then
    told_until: date | None = None  # last day already built, under whatever definition


def build(connection: duckdb.DuckDBPyConnection, nodes: Iterable[Node], request: BuildRequest) -> list[Built]:
    """Build the nodes, which must be in dependency order, and say what changed."""
    return [_build_node(connection, node, request) for node in nodes]


def last_built_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day any table was built for; None before the first build."""
    row = fetch_row(connection, "SELECT MAX(as_of) FROM ops.built")
    return row[0] if row else None


def _build_node(connection: duckdb.DuckDBPyConnection, node: Node, request: BuildRequest) -> Built:
    plan = _plan(connection, node, request)
    query = to_duckdb(node.sql, Expansion(request.time_zone))
    with transaction(connection):
        _set_days(connection, plan.days)
        if node.computed_by is not None:
            query = _computed(connection, node, query, plan.days)
        if node.kpi is not None:
            changed, restated = _replace_kpi(connection, node, query, plan, request.now)
        else:
            _ensure_table(connection, node, query, fresh=plan.known_until is None)
            changed, restated = _REPLACERS[node.scope](connection, node, query), 0
        connection.execute(
            "INSERT OR REPLACE INTO ops.built VALUES (?, ?, ?, ?)",
            [node.name, plan.sequence, node.fingerprint, plan.as_of],
        )
    return Built(node.name, len(plan.days), changed, restated)


def _plan(connection: duckdb.DuckDBPyConnection, node: Node, request: BuildRequest) -> _Plan:
    """Which days to build: asked for, new since the last build, and touched by changes of the inputs."""
    row = fetch_row(
        connection,
        """SELECT (SELECT COALESCE(MAX(sequence), 0) FROM ops.changes), b.sequence, b.fingerprint, b.as_of
           FROM (SELECT ? AS node) AS n LEFT JOIN ops.built AS b ON b.node = n.node""",
        [node.name],
    )
    assert row is not None
    sequence, since, fingerprint, known_until = row
    if fingerprint != node.fingerprint:
        as_of = max(request.last_day, known_until or request.last_day)
        days = days_between(request.history_start, as_of)
        return _Plan(days, as_of, sequence, None, since or 0, known_until)
    as_of = max(request.last_day, known_until)
    wanted = set(days_between(max(request.first_day, request.history_start), request.last_day))
    wanted.update(days_between(known_until + timedelta(days=1), as_of))
    touched = touched_days(connection, node, since, (request.history_start, as_of))
    if node.scope == "all":
        touched = days_between(request.history_start, as_of)
    wanted.update(touched)
    return _Plan(sorted(wanted), as_of, sequence, known_until, since, known_until)


def _computed(connection: duckdb.DuckDBPyConnection, node: Node, query: str, days: list[date]) -> str:
    """Let the model's function turn the query's rows into its own, some weeks at a time; returns a query for those."""
    rows = []
    for first in range(0, max(1, len(days)), COMPUTED_AT_ONCE):
        some = days[first : first + COMPUTED_AT_ONCE]
        _set_days(connection, some)
        rows.append(node.compute(connection.sql(query).to_arrow_table(), some))
    _set_days(connection, days)
    connection.register("computed_rows", pa.concat_tables(rows))
    connection.execute("CREATE OR REPLACE TEMP TABLE computed AS SELECT * FROM computed_rows")
    connection.unregister("computed_rows")
    return "SELECT * FROM computed"


def _set_days(connection: duckdb.DuckDBPyConnection, days: list[date]) -> None:
    """run.days: the days being built, with their place in the calendar; queries join it."""
    connection.execute("CREATE OR REPLACE TABLE run.days AS SELECT UNNEST(?::DATE[]) AS day", [days])


def _ensure_table(connection: duckdb.DuckDBPyConnection, node: Node, query: str, *, fresh: bool) -> None:
    if fresh and table_exists(connection, node.name):
        _log_dropped(connection, node)
        connection.execute(f"DROP TABLE {node.name}")
    if node.scope == "customer":
        connection.execute("CREATE TABLE IF NOT EXISTS run.customers (customer VARCHAR)")
    if not fresh and table_exists(connection, node.name):
        return
    # Not AS … LIMIT 0: DuckDB 2.0.0 shows a table made like that, and filled with more than a row group in the
    # same transaction, as empty until the file is opened again.
    columns = connection.execute(f"DESCRIBE {query}").fetchall()
    declared = ", ".join(f'"{name}" {kind}' for name, kind, *_ in columns)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {node.name} ({declared})")


def _log_dropped(connection: duckdb.DuckDBPyConnection, node: Node) -> None:
    """Under a new definition days may end empty: whoever reads the table must look at all of them."""
    given = {row[0] for row in connection.execute(f"DESCRIBE {node.name}").fetchall()}
    log_changes(connection, node.name, f"SELECT DISTINCT day FROM {node.name}")
    for column in given.intersection(node.watched):
        days = f"SELECT DISTINCT {column} AS day FROM {node.name}"
        log_changes(connection, f"{node.name}@{column}", days)


def _replace_days(connection: duckdb.DuckDBPyConnection, node: Node, query: str) -> int:
    return _replace(connection, node, query, "day IN (SELECT day FROM run.days)")


def _replace_customers(connection: duckdb.DuckDBPyConnection, node: Node, query: str) -> int:
    """All rows of every customer who has, or had, a row on one of the days."""
    facts = next((name for name in node.inputs if name.startswith("model.")), None)
    if facts is None:
        raise DefinitionError(f"{node.name} is built by customer but reads no model that has customers.")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE run.customers AS
        SELECT DISTINCT customer FROM {facts} WHERE day IN (SELECT day FROM run.days) AND customer IS NOT NULL
        UNION SELECT DISTINCT customer FROM {node.name} WHERE day IN (SELECT day FROM run.days)
        """
    )
    return _replace(connection, node, query, "customer IN (SELECT customer FROM run.customers)")


def _replace_all(connection: duckdb.DuckDBPyConnection, node: Node, query: str) -> int:
    return _replace(connection, node, query, "TRUE")


_REPLACERS = {"day": _replace_days, "customer": _replace_customers, "all": _replace_all}


def _replace(connection: duckdb.DuckDBPyConnection, node: Node, query: str, scope: str) -> int:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_before AS SELECT * FROM {node.name} WHERE {scope}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_after AS SELECT * FROM ({query}) WHERE {scope}")
    connection.execute(f"DELETE FROM {node.name} WHERE {scope}")
    connection.execute(f"INSERT INTO {node.name} SELECT * FROM rows_after")
    return record_changes(connection, node.name, "rows_before", "rows_after", node.watched)


def _replace_kpi(
    connection: duckdb.DuckDBPyConnection, node: Node, query: str, plan: _Plan, now: datetime
) -> tuple[int, int]:
    assert node.kpi is not None
    key = node.kpi.key
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE rows_before AS SELECT * EXCLUDE (kpi) FROM kpi.daily "
        "WHERE kpi = ? AND day IN (SELECT day FROM run.days)",
        [key],
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_after AS {kpi_rows(connection, node.kpi, query)}")
    connection.execute("DELETE FROM kpi.daily WHERE kpi = ? AND day IN (SELECT day FROM run.days)", [key])
    insert_kpi_rows(connection, key)
    changed = record_changes(connection, node.name, "rows_before", "rows_after")
    if not changed or plan.told_until is None or not plan.days or plan.days[0] > plan.told_until:
        return changed, 0
    since = None if plan.known_until is None else plan.since
    return changed, record_restatements(connection, key, now, since, plan.told_until)
