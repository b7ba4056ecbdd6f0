"""What a person wants to see beside an asset: its columns, its SQL, its newest values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, PeriodValue, Value, read_period_values
from ecom_pipeline.settings import ShopSettings
from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.catalog import Node

SPARKLINE_DAYS = 28
_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def table_columns(table: Table) -> dg.TableSchema:
    """A vendor table's declared columns, its children's behind them."""
    columns = [
        dg.TableColumn(
            column.name,
            column.type.value,
            constraints=dg.TableColumnConstraints(
                nullable=not column.required, unique=table.key == (column.name,)
            ),
        )
        for column in table.columns
    ]
    for child in table.children:
        columns += [
            dg.TableColumn(f"{child.name}.{column.name}", column.type.value) for column in child.columns
        ]
    return dg.TableSchema(columns)


def stored_columns(connection: duckdb.DuckDBPyConnection, node: Node) -> dg.TableSchema:
    """A model's columns as they are in the warehouse."""
    rows = connection.execute(f"DESCRIBE {node.name}").fetchall()
    columns = [
        dg.TableColumn(name, kind, constraints=dg.TableColumnConstraints(unique=node.key == (name,)))
        for name, kind, *_ in rows
    ]
    constraints = [f"unique: {', '.join(node.key)}"] if node.key else []
    return dg.TableSchema(columns, constraints=dg.TableConstraints(constraints))


def count_rows(connection: duckdb.DuckDBPyConnection, node: Node) -> int:
    """How many rows a model has."""
    row = connection.execute(f"SELECT COUNT(*) FROM {node.name}").fetchone()
    return int(row[0]) if row else 0


def sql_block(sql: str) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"```sql\n{sql.strip()}\n```")


def kpi_metadata(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], last_day: date, shop: ShopSettings
) -> dict[str, dict[str, dg.MetadataValue]]:
    """For each KPI its value on the day and in the last whole week, and the days before as a line of blocks."""
    week_end = last_day - timedelta(days=last_day.isoweekday() % 7)
    coverage, currency = shop.minimum_coverage, shop.currency
    days = _totals(read_period_values(connection, kpis, Period.DAY, [last_day], coverage))
    weeks = _totals(read_period_values(connection, kpis, Period.WEEK, [week_end], coverage))
    trends = _trends(connection, kpis, last_day)
    found: dict[str, dict[str, dg.MetadataValue]] = {}
    for kpi in kpis:
        day, week = days[kpi.key], weeks[kpi.key]
        found[kpi.key] = {
            "value_of_the_day": dg.MetadataValue.text(f"{describe(kpi, day.current, currency)} ({last_day})"),
            "value_of_the_week": dg.MetadataValue.text(
                f"{describe(kpi, week.current, currency)} ({week.first_day} – {week.last_day})"
            ),
            "trend": dg.MetadataValue.md(
                f"`{sparkline(trends[kpi.key])}` {SPARKLINE_DAYS} days to {last_day}"
            ),
        }
        if day.current.value is not None:
            found[kpi.key]["value"] = dg.MetadataValue.float(float(day.current.value))
    return found


def describe(kpi: Kpi, value: Value, currency: str) -> str:
    """A value in its unit, or why there is none."""
    if value.value is None:
        return f"{value.state.value}: {value.reason}" if value.reason else value.state.value.replace("_", " ")
    if kpi.unit == "percent":
        return f"{value.value * 100:.2f} %"
    if kpi.unit == "count":
        return f"{value.value:.0f}"
    written = {"money": currency, "multiple": "×", "stars": "of 5"}
    unit = written.get(kpi.unit, kpi.unit.replace("_", " "))
    return f"{value.value:.2f} {unit}"


def sparkline(values: Sequence[Decimal | None]) -> str:
    """The values as blocks between the lowest and the highest of them, gaps as dots."""
    known = [value for value in values if value is not None]
    if not known:
        return _GAP * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(
        _GAP if value is None else _BLOCKS[int((value - low) * 7 / span) if span else 3] for value in values
    )


def _totals(values: Sequence[PeriodValue]) -> dict[str, PeriodValue]:
    return {value.kpi: value for value in values if (value.dimension, value.segment) == TOTAL}


def _trends(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], last_day: date
) -> dict[str, list[Decimal | None]]:
    first_day = last_day - timedelta(days=SPARKLINE_DAYS - 1)
    rows = connection.execute(
        """SELECT d.kpi, d.day, d.numerator, d.denominator FROM kpi.daily AS d
           JOIN kpi.days AS s ON s.kpi = d.kpi AND s.day = d.day AND s.state = 'complete'
           WHERE d.dimension = 'total' AND d.day BETWEEN ? AND ? AND LIST_CONTAINS(?, d.kpi)""",
        [first_day, last_day, [kpi.key for kpi in kpis]],
    ).fetchall()
    trends: dict[str, list[Decimal | None]] = {kpi.key: [None] * SPARKLINE_DAYS for kpi in kpis}
    for key, day, numerator, denominator in rows:
        if numerator is not None and denominator != 0:
            trends[key][(day - first_day).days] = (
                numerator if denominator is None else numerator / denominator
            )
    return trends
