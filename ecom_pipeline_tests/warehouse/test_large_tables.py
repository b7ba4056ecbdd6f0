"""A table larger than DuckDB's row group is whole for whoever reads it next, in the same run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from ecom_pipeline.kpis.definition import parse_kpi
from ecom_pipeline.warehouse.build import build
from ecom_pipeline.warehouse.catalog import Node, kpi_node
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import BuildRequest

DAY = date(2026, 3, 1)
ROWS = 300_000  # a row group holds 122,880


def node(name: str, sql: str, inputs: tuple[str, ...]) -> Node:
    return Node(name, sql, inputs, "day", {}, ("day", "n"), "a number on a day", "")


def test_a_large_new_table_is_not_empty_for_the_next_one(tmp_path: Path) -> None:
    """DuckDB 2.0.0 shows a table made by CREATE TABLE AS … LIMIT 0 and filled in that transaction as empty."""
    large = node(
        "model.large", f"SELECT d.day AS day, r.n AS n FROM run.days AS d, RANGE({ROWS}) AS r(n)", ()
    )
    reader = node(
        "model.reader",
        "SELECT l.day AS day, CAST(COUNT(*) AS BIGINT) AS n FROM model.large AS l "
        "JOIN run.days AS d ON d.day = l.day GROUP BY l.day",
        ("model.large",),
    )
    request = BuildRequest(DAY, DAY, DAY, "Europe/Paris", datetime(2026, 3, 2, 6, tzinfo=UTC))
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        assert [built.days_changed for built in build(connection, [large, reader], request)] == [1, 1]
        assert connection.execute("SELECT n FROM model.reader").fetchall() == [(ROWS,)]
        assert connection.execute("SELECT COUNT(*) FROM model.large").fetchall() == [(ROWS,)]
        assert [built.days_changed for built in build(connection, [large, reader], request)] == [0, 0]


def test_a_large_kpi_is_stored_whole(tmp_path: Path) -> None:
    """So does a temporary table made like that, beyond the same number of rows."""
    sql = (
        "SELECT d.day AS day, 'n' AS dimension, CAST(r.n AS VARCHAR) AS segment, r.n AS numerator, 1 AS denominator "
        f"FROM run.days AS d, RANGE({ROWS}) AS r(n)"
    )
    header = (
        'name: {fr: "x", en: "x"}\ndefinition: {fr: "x", en: "x"}\nunit: count\nkind: snapshot\ngood: up\n'
    )
    large = replace(kpi_node(parse_kpi("large", "made_up", f"/* ---\n{header}--- */\n{sql}")), inputs=())
    request = BuildRequest(DAY, DAY, DAY, "Europe/Paris", datetime(2026, 3, 2, 6, tzinfo=UTC))
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        assert [built.days_changed for built in build(connection, [large], request)] == [1]
        stored = "SELECT COUNT(*), SUM(numerator) FROM kpi.daily"
        assert connection.execute(stored).fetchall() == [(ROWS, ROWS * (ROWS - 1) // 2)]
        assert [built.days_changed for built in build(connection, [large], request)] == [0]
        assert connection.execute(stored).fetchall() == [(ROWS, ROWS * (ROWS - 1) // 2)]
