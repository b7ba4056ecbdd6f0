"""Asset checks: which there are for which asset, and how a check's outcome is told to Dagster.

They run inside the steps that make the assets. Blocking are those whose failure means that wrong numbers
would travel on; stale or missing data is no such case, because it shows as missing further down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

import dagster as dg
import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.orchestration.keys import node_key
from ecom_pipeline.warehouse.catalog import Catalog, Node
from ecom_pipeline.warehouse.checks import (
    CheckResult,
    check_key,
    check_kpi_day,
    check_net_sales,
    check_rates,
    check_values,
)

DAY_IS_COMPLETE = "newest_day_is_complete"
DAY_IS_MEASURED = "newest_day_is_measured"
DAYS_A_TRANSFER_TAKES = 5

ModelCheck = Callable[[duckdb.DuckDBPyConnection], CheckResult]
RATES_KNOWN = "rates_known"
_BOOKS: dict[str, tuple[str, ModelCheck]] = {
    "model.sale_lines": (RATES_KNOWN, check_rates),
    "model.daily_sales": ("net_sales_reconcile", check_net_sales),
}


def model_check_specs(nodes: Sequence[Node]) -> list[dg.AssetCheckSpec]:
    """The key of every model that has one, and the books."""
    specs = [
        _spec("key_is_unique", node, f"{', '.join(node.key)}: {node.grain}") for node in nodes if node.key
    ]
    for node in nodes:
        if node.name in _BOOKS:
            # A day without a rate is withheld by itself: one odd currency must not hold back all the rest.
            name = _BOOKS[node.name][0]
            specs.append(_spec(name, node, "The books agree.", blocking=name != RATES_KNOWN))
    return specs


def check_models(
    connection: duckdb.DuckDBPyConnection, nodes: Sequence[Node]
) -> Iterator[dg.AssetCheckResult]:
    for node in nodes:
        if node.key:
            yield as_result(check_key(connection, node.name, node.key), node_key(node))
        if node.name in _BOOKS:
            yield as_result(_BOOKS[node.name][1](connection), node_key(node))


def kpi_check_specs(nodes: Sequence[Node], catalog: Catalog) -> list[dg.AssetCheckSpec]:
    """Freshness of every KPI a source feeds, the declared range, and zero where zero is good."""
    specs = []
    for node in nodes:
        kpi = _kpi(node)
        if is_fed(catalog, kpi):
            specs.append(_spec(DAY_IS_MEASURED, node, "The newest complete day has a value.", blocking=False))
        if has_range(kpi):
            described = f"Values lie within {kpi.minimum} and {kpi.maximum}."
            specs.append(_spec("values_in_range", node, described, blocking=False))
        if kpi.good == "zero":
            specs.append(_spec("is_zero", node, f"{kpi.name.en} is zero once it can be.", blocking=False))
    return specs


def check_kpis(
    connection: duckdb.DuckDBPyConnection, nodes: Sequence[Node], catalog: Catalog, newest_day: date
) -> Iterator[dg.AssetCheckResult]:
    for node in nodes:
        kpi, key = _kpi(node), node_key(node)
        if is_fed(catalog, kpi):
            yield as_result(check_kpi_day(connection, [kpi.key], newest_day), key, warn=True)
        if has_range(kpi):
            yield as_result(check_values(connection, kpi), key)
        if kpi.good == "zero":
            yield as_result(check_zero(connection, kpi, newest_day), key, warn=True)


def check_zero(connection: duckdb.DuckDBPyConnection, kpi: Kpi, newest_day: date) -> CheckResult:
    """A KPI that should be zero is, on every day old enough for a bank transfer to have arrived."""
    last_day = newest_day - timedelta(days=DAYS_A_TRANSFER_TAKES)
    row = connection.execute(
        """SELECT COUNT(*), CAST(COALESCE(SUM(numerator), 0) AS VARCHAR), CAST(MIN(day) AS VARCHAR)
           FROM kpi.daily WHERE kpi = ? AND dimension = 'total' AND numerator <> 0 AND day <= ?""",
        [kpi.key, last_day],
    ).fetchone()
    assert row is not None
    details: dict[str, int | str] = {"days": int(row[0]), "sum": row[1], "first_day": row[2] or ""}
    return CheckResult("is_zero", row[0] == 0, f"{kpi.key} is zero up to {last_day}", details)


def check_table_day(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, newest_day: date
) -> CheckResult:
    """The newest complete day of a vendor's table was read: freshness that knows of partitions."""
    row = connection.execute(
        "SELECT MAX(day) FROM ops.loaded_days WHERE source = ? AND table_name = ?", [source, table]
    ).fetchone()
    last = row[0] if row else None
    return CheckResult(
        DAY_IS_COMPLETE, last == newest_day, f"{source}: {table} was read for {newest_day}",
        {"newest_day": str(newest_day), "last_day_read": str(last) if last else "never"},
    )  # fmt: skip


def as_result(result: CheckResult, asset: dg.AssetKey, *, warn: bool = False) -> dg.AssetCheckResult:
    """A check's outcome for Dagster; `warn` where failing means incomplete rather than wrong."""
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=asset,
        check_name=result.name,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=result.description,
        metadata=dict(result.details),
    )


def is_fed(catalog: Catalog, kpi: Kpi) -> bool:
    """Whether every canonical table the KPI means nothing without has a source."""
    return all(catalog.feeding(canonical) for canonical in catalog.measured_by(kpi))


def has_range(kpi: Kpi) -> bool:
    return kpi.minimum is not None or kpi.maximum is not None


def _kpi(node: Node) -> Kpi:
    assert node.kpi is not None
    return node.kpi


def _spec(name: str, node: Node, description: str, *, blocking: bool = True) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=node_key(node), description=description, blocking=blocking)
