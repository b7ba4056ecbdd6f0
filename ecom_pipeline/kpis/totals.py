"""The KPIs' totals alone: two years of every segment would take long to read where only totals are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def copied_totals(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """`kpi.days` and the totals of `kpi.daily` in a database of their own, for `read_period_values`."""
    with duckdb.connect() as totals:
        totals.execute("CREATE SCHEMA kpi")
        for table, condition in (("daily", "dimension = 'total'"), ("days", "TRUE")):
            rows = connection.sql(f"SELECT * FROM kpi.{table} WHERE {condition}").to_arrow_table()
            totals.register("incoming", rows)
            totals.execute(f"CREATE TABLE kpi.{table} AS FROM incoming")
            totals.unregister("incoming")
        yield totals
