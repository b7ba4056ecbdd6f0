"""A table larger than DuckDB's row group is whole for whoever reads it next, in the same run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from ecom_pipeline.warehouse.build import build
from ecom_pipeline.warehouse.catalog import Node
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
