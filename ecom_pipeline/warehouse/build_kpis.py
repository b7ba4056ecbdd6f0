"""Builds KPIs: many at once, each table they add up read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.warehouse.changes import differing, log_changes
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import kpi_rows, record_restatements
from ecom_pipeline.warehouse.plan import BuildRequest, Built, Plan, remember
from ecom_pipeline.warehouse.rewrite import to_duckdb
from ecom_pipeline.warehouse.shared_scan import Scan, share

# Not AS … WHERE FALSE: DuckDB 2.0.0 shows a table made like that, and then filled with more than a row group, as empty.
_EMPTY = """CREATE OR REPLACE TEMP TABLE rows_after (
    kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR,
    numerator DECIMAL(38, 4), denominator DECIMAL(38, 4), covered DECIMAL(38, 4), coverable DECIMAL(38, 4),
    low DECIMAL(38, 4), high DECIMAL(38, 4))"""
AT_ONCE = 10_000  # days of KPIs in one transaction; of more, those that share a scan


def batches(plans: Sequence[Plan], time_zone: str) -> Iterator[list[Plan]]:
    """Plans that are built together: for the same days, and few days or the same tables."""
    by_days: dict[tuple[date, ...], list[Plan]] = {}
    for planned in plans:
        by_days.setdefault(planned.days, []).append(planned)
    for days, together in by_days.items():
        if len(days) * len(together) <= AT_ONCE:
            yield together
        else:
            yield from _that_share(together, time_zone)


def _that_share(plans: Sequence[Plan], time_zone: str) -> Iterator[list[Plan]]:
    _, shared = share(_queries(plans), Expansion(time_zone))
    groups: list[tuple[set[str], set[str]]] = []  # tables of scans, KPIs
    for one in shared:
        tables = {scan.table for scan, _, _ in one.parts}
        keys = {one.kpi.key}
        for group in [group for group in groups if group[0] & tables]:
            groups.remove(group)
            tables, keys = tables | group[0], keys | group[1]
        groups.append((tables, keys))
    alone = [{key} for key in _keys(plans) if not any(key in keys for _, keys in groups)]
    for keys in (*(keys for _, keys in groups), *alone):
        yield [planned for planned in plans if planned.kpi.key in keys]


def build_kpis(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], request: BuildRequest
) -> list[Built]:
    """Replace the rows of KPIs for the days of their plans, which are the same; within a transaction."""
    mine = "FROM kpi.daily WHERE LIST_CONTAINS(?, kpi) AND day IN (SELECT day FROM run.days)"
    keys = _keys(plans)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_before AS SELECT * {mine}", [keys])
    _make_rows(connection, plans, request)
    changed = _changed_days(connection)
    if changed:
        moved = sorted(changed)
        connection.execute(f"DELETE {mine}", [moved])
        connection.execute(
            "INSERT INTO kpi.daily BY NAME SELECT * FROM rows_after WHERE LIST_CONTAINS(?, kpi) ORDER BY day",
            [moved],
        )
        all_days = sorted({str(day) for days in changed.values() for day in days})
        log_changes(connection, "kpi.daily", f"SELECT UNNEST({all_days}::DATE[]) AS day")
    built = []
    for planned in plans:
        days = changed.get(planned.kpi.key, [])
        restated = _restated(connection, planned, days, request)
        built.append(Built(planned.node.name, len(planned.days), len(days), restated))
    remember(connection, plans)
    return built


def _make_rows(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], request: BuildRequest) -> None:
    """rows_after: the KPIs' rows of the days being built."""
    expansion = Expansion(request.time_zone)
    connection.execute(_EMPTY)
    scans, shared = share(_queries(plans), expansion)
    run_scans(connection, scans)
    made = {one.kpi.key for one in shared}
    if shared:
        rows = " UNION ALL ".join(f"SELECT '{one.kpi.key}' AS kpi, * FROM ({one.query()})" for one in shared)
        connection.execute(f"INSERT INTO rows_after BY NAME {rows}")
    for planned in plans:
        key = planned.kpi.key
        if key not in made:
            query = kpi_rows(planned.kpi, to_duckdb(planned.node.sql, expansion))
            connection.execute(f"INSERT INTO rows_after BY NAME SELECT ? AS kpi, * FROM ({query})", [key])


def run_scans(connection: duckdb.DuckDBPyConnection, scans: Sequence[Scan]) -> None:
    """Read each scan's table once."""
    for scan in scans:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {scan.table} AS {scan.query()}")


def _changed_days(connection: duckdb.DuckDBPyConnection) -> dict[str, list[date]]:
    """The days whose rows differ, by KPI."""
    changed: dict[str, list[date]] = {}
    rows = differing(connection, "rows_before", "rows_after")
    for key, day in connection.execute(f"SELECT DISTINCT kpi, day FROM {rows}").fetchall():
        changed.setdefault(key, []).append(day)
    return changed


def _restated(
    connection: duckdb.DuckDBPyConnection, planned: Plan, days: Sequence[date], request: BuildRequest
) -> int:
    if planned.told_until is None or not any(day <= planned.told_until for day in days):
        return 0
    since = None if planned.known_until is None else planned.since
    return record_restatements(connection, planned.kpi.key, request.now, since, planned.told_until)


def _queries(plans: Sequence[Plan]) -> list[tuple[Kpi, str]]:
    return [(planned.kpi, planned.node.sql) for planned in plans]


def _keys(plans: Sequence[Plan]) -> list[str]:
    return [planned.kpi.key for planned in plans]
