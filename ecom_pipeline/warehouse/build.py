"""Builds models and KPIs for the days that were asked for and the days that late changes touched.

Every table is built by deleting and inserting days, so building again changes nothing and a backfill
equals the daily runs. Each model is one transaction with its entry in the ledger, and so are KPIs that are
built together: a kill between two leaves the rest to the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date

import duckdb
import pyarrow as pa

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.warehouse.build_kpis import batches, build_kpis
from ecom_pipeline.warehouse.catalog import Node
from ecom_pipeline.warehouse.changes import log_changes, record_changes
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.plan import BuildRequest, Built, Plan, Planner, remember
from ecom_pipeline.warehouse.raw_log import transaction
from ecom_pipeline.warehouse.rewrite import columns_read, to_duckdb
from ecom_pipeline.warehouse.rows import columns_of

COMPUTED_AT_ONCE = 84  # days: what a function computes is held in memory as rows


def build(
    connection: duckdb.DuckDBPyConnection,
    nodes: Iterable[Node],
    request: BuildRequest,
    on_built: Callable[[Built], None] | None = None,
) -> list[Built]:
    """Build the nodes, which must be in dependency order, and say what changed: models first, then KPIs."""
    done: list[Built] = []
    days: tuple[date, ...] | None = None  # those that run.days holds

    def note(built: list[Built]) -> None:
        done.extend(built)
        if on_built is not None:
            for one in built:
                on_built(one)

    nodes = list(nodes)
    planner = Planner(connection, nodes, request)
    idle = []
    for node in nodes:
        if node.kpi is None:
            planned = planner.plan(node)
            if not planned.days and planned.known_until is not None:
                idle.append(planned)
                note([Built(node.name, 0, 0, 0)])
                continue
            given = columns_of(connection, node.name)
            with transaction(connection):
                days = _set_days(connection, planned.days, days)
                built = _build_model(connection, planned, given, request)
            if built.days_changed or planned.known_until is None:
                planner.note_changes()
            note([built])
    if idle:
        remember(connection, idle)
    plans = [planner.plan(node) for node in nodes if node.kpi is not None]
    for together in batches(plans, request.time_zone):
        with transaction(connection):
            days = _set_days(connection, together[0].days, days)
            built_together = build_kpis(connection, together, request)
        note(built_together)
    return done


def last_built_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day any table was built for; None before the first build."""
    ((day,),) = connection.execute("SELECT MAX(as_of) FROM ops.built").fetchall()
    found: date | None = day
    return found


def _set_days(
    connection: duckdb.DuckDBPyConnection, days: tuple[date, ...], standing: tuple[date, ...] | None
) -> tuple[date, ...]:
    """run.days: the days being built, with their place in the calendar; queries join it."""
    if days != standing:
        connection.execute(
            "CREATE OR REPLACE TABLE run.days AS SELECT UNNEST(?::DATE[]) AS day", [list(days)]
        )
    return days


def _build_model(
    connection: duckdb.DuckDBPyConnection, planned: Plan, given: Collection[str], request: BuildRequest
) -> Built:
    node = planned.node
    query = to_duckdb(node.sql, Expansion(request.time_zone))
    if node.computed_by is not None:
        query = _computed(connection, node, query, planned.days)
    _ensure_table(connection, node, query, given, fresh=planned.known_until is None)
    changed = _replace(connection, node, query, _SCOPES[node.scope](connection, node))
    remember(connection, [planned])
    return Built(node.name, len(planned.days), changed, 0)


def _computed(connection: duckdb.DuckDBPyConnection, node: Node, query: str, days: tuple[date, ...]) -> str:
    """Let the model's function turn the query's rows into its own, some weeks at a time; returns a query for those."""
    rows = []
    for first in range(0, max(1, len(days)), COMPUTED_AT_ONCE):
        some = days[first : first + COMPUTED_AT_ONCE]
        _set_days(connection, some, None)
        rows.append(node.compute(connection.sql(query).to_arrow_table(), list(some)))
    _set_days(connection, days, None)
    connection.register("computed_rows", pa.concat_tables(rows))
    connection.execute("CREATE OR REPLACE TEMP TABLE computed AS SELECT * FROM computed_rows")
    connection.unregister("computed_rows")
    return "SELECT * FROM computed"


def _ensure_table(
    connection: duckdb.DuckDBPyConnection, node: Node, query: str, given: Collection[str], *, fresh: bool
) -> None:
    """Let the table be there, empty where it is built under a new definition; `given` are its columns so far."""
    if fresh and given:
        _log_dropped(connection, node, given)
        connection.execute(f"DROP TABLE {node.name}")
    if node.scope == "customer":
        connection.execute("CREATE TABLE IF NOT EXISTS run.customers (customer VARCHAR)")
    if given and not fresh:
        return
    # Not AS … LIMIT 0: DuckDB 2.0.0 shows a table made like that, and filled with more than a row group in the
    # same transaction, as empty until the file is opened again.
    columns = connection.execute(f"DESCRIBE {query}").fetchall()
    declared = ", ".join(f'"{name}" {kind}' for name, kind, *_ in columns)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {node.name} ({declared})")


def _log_dropped(connection: duckdb.DuckDBPyConnection, node: Node, given: Collection[str]) -> None:
    """Under a new definition days may end empty: whoever reads the table must look at all of them."""
    log_changes(connection, node.name, f"SELECT DISTINCT day FROM {node.name}")
    for sql in node.watched:
        if columns_read(sql) <= set(given):
            log_changes(connection, f"{node.name}@{sql}", f"SELECT DISTINCT {sql} AS day FROM {node.name}")


def _days_being_built(connection: duckdb.DuckDBPyConnection, node: Node) -> str:
    return "day IN (SELECT day FROM run.days)"


def _customers_concerned(connection: duckdb.DuckDBPyConnection, node: Node) -> str:
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
    return "customer IN (SELECT customer FROM run.customers)"


def _everything(connection: duckdb.DuckDBPyConnection, node: Node) -> str:
    return "TRUE"


_SCOPES = {"day": _days_being_built, "customer": _customers_concerned, "all": _everything}


def _replace(connection: duckdb.DuckDBPyConnection, node: Node, query: str, scope: str) -> int:
    """Bring the rows in scope up to the query, day by day; days that come out as they were are left alone."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_before AS SELECT * FROM {node.name} WHERE {scope}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_after AS SELECT * FROM ({query}) WHERE {scope}")
    changed = record_changes(connection, node.name, "rows_before", "rows_after", node.watched)
    if changed:
        days = "day IN (SELECT day FROM rows_changed)"
        connection.execute(f"DELETE FROM {node.name} WHERE {days} AND {scope}")
        # By day, for good: whoever asks for some days of a long history then reads little of the file.
        connection.execute(f"INSERT INTO {node.name} SELECT * FROM rows_after WHERE {days} ORDER BY day")
    return changed
