"""A process of its own that loads and computes, told to be killed: prints one line per statement it begins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline import pipeline as steps
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import open_warehouse

SOURCES = {"shop": ("orders",), "ads": ("campaign_performance",), "bank": ("balances",)}
NODES = (
    "model.fx_rates", "model.orders", "model.product_costs", "model.sale_lines", "model.customer_orders",
    "model.ad_performance", "model.bank_accounts", "model.daily_sales", "kpi.net_sales", "kpi.new_customers",
    "kpi.roas", "kpi.cash_balance",
)  # fmt: skip


class Watched:
    """A connection that calls before each statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, before: Any) -> None:
        self._connection, self._before = connection, before

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:
        self._before()
        return self._connection.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def run_day(pipeline: Pipeline, day: date) -> None:
    """Some tables of every way of change, and what is made of them."""
    for source, names in SOURCES.items():
        for table in pipeline.tables(source):
            if table.name in names:
                pipeline.extract(source, table, day, day)
    pipeline.compute(day, day, NODES)


def main(file: str, now: str, day: str) -> None:
    @contextmanager
    def told(*arguments: Any) -> Iterator[Any]:
        with open_warehouse(*arguments) as connection:
            yield Watched(connection, lambda: sys.stdout.write("statement\n") and sys.stdout.flush())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "open_warehouse", told)
        instant = datetime.fromisoformat(now)
        run_day(Pipeline(load_settings(Path(file)), clock=lambda: instant), date.fromisoformat(day))
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
