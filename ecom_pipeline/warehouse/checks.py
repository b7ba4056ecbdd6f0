"""Checks on the warehouse's tables, made from their own declarations: keys, values, reconciliation.

Pure queries with a plain result, so that the orchestrator, the command line and tests share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.warehouse.rows import fetch_row


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome. `details` are counts and examples of keys, never personal data."""

    name: str
    passed: bool
    description: str
    details: dict[str, int | str]


def check_key(connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...]) -> CheckResult:
    """Every row's key is there and unique: the table has the grain it declares."""
    columns = ", ".join(key)
    nulls = " OR ".join(f"{column} IS NULL" for column in key)
    row = fetch_row(
        connection,
        f"""SELECT COUNT(*), COALESCE(SUM(n - 1), 0), COALESCE(SUM(missing), 0) FROM (
                SELECT {columns}, COUNT(*) AS n, COUNT(*) FILTER ({nulls}) AS missing
                FROM {table} GROUP BY {columns})""",
    )
    assert row is not None
    _, doubled, missing = (int(value) for value in row)
    return CheckResult(
        "key_is_unique", doubled == 0 and missing == 0, f"{columns} is unique and never empty",
        {"doubled_rows": doubled, "rows_without_key": missing},
    )  # fmt: skip


def check_rates(connection: duckdb.DuckDBPyConnection) -> CheckResult:
    """Every amount in a foreign currency found its exchange rate.

    Days that lack one are withheld from the KPIs; a files source that feeds `fx_rates` supplies it.
    """
    rows = connection.execute(
        """SELECT currency, COUNT(*) FROM model.sale_lines WHERE gross IS NULL GROUP BY currency ORDER BY 1"""
    ).fetchall()
    return CheckResult(
        "rates_known", not rows, "every currency sold in has a reference rate on its day",
        {currency or "(none)": int(count) for currency, count in rows},
    )  # fmt: skip


def check_net_sales(connection: duckdb.DuckDBPyConnection) -> CheckResult:
    """Gross − discounts − returns = net, to the cent, per day and shop, and the KPI says the same."""
    row = fetch_row(
        connection,
        """
        WITH lines AS (
            SELECT day, SUM(gross - discounts - returns) AS net FROM model.sale_lines GROUP BY day
        ), cells AS (SELECT day, SUM(net) AS net FROM model.daily_sales GROUP BY day)
        SELECT COUNT(*) FROM lines AS l FULL JOIN cells AS c ON c.day = l.day
        WHERE COALESCE(l.net, 0) <> COALESCE(c.net, 0)
        """,
    )
    assert row is not None
    return CheckResult(
        "net_sales_reconcile", row[0] == 0, "gross - discounts - returns = net on every day",
        {"days_that_differ": int(row[0])},
    )  # fmt: skip


def check_values(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> CheckResult:
    """No value of the KPI lies outside the range its definition allows."""
    low = kpi.minimum if kpi.minimum is not None else "NULL"
    high = kpi.maximum if kpi.maximum is not None else "NULL"
    row = fetch_row(
        connection,
        f"""
        SELECT COUNT(*), MIN(day) FROM (
            SELECT day, CASE WHEN denominator IS NULL THEN numerator
                             ELSE CAST(numerator AS DOUBLE) / NULLIF(denominator, 0) END AS value
            FROM kpi.daily WHERE kpi = ? AND dimension = 'total')
        WHERE value < {low} OR value > {high}
        """,
        [kpi.key],
    )
    assert row is not None
    details: dict[str, int | str] = {"days_outside": int(row[0])}
    if row[1] is not None:
        details["first_day"] = str(row[1])
    return CheckResult(
        "values_in_range", row[0] == 0, f"values lie within {kpi.minimum} and {kpi.maximum}", details
    )


def check_kpi_day(connection: duckdb.DuckDBPyConnection, keys: list[str], day: date) -> CheckResult:
    """Each of the KPIs has its newest day, or says why not."""
    rows = connection.execute(
        """SELECT k.kpi, COALESCE(d.state, 'never built'), d.reason
           FROM (SELECT UNNEST(?::VARCHAR[]) AS kpi) AS k LEFT JOIN kpi.days AS d ON d.kpi = k.kpi AND d.day = ?
           WHERE COALESCE(d.state, 'never built') NOT IN ('complete', 'immature', 'no_history') ORDER BY k.kpi""",
        [keys, day],
    ).fetchall()
    return CheckResult(
        "newest_day_is_measured", not rows, f"{', '.join(keys)}: measured on {day}",
        {kpi: f"{state}: {reason}" if reason else state for kpi, state, reason in rows},
    )  # fmt: skip
