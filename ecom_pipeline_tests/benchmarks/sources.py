"""How many rows a second each source reads, from the simulated vendor in a process of its own through to the raw log.

Children count as rows: an order with three lines is four. Small streams are told and not judged: their time is that of
signing in and landing.

    python -m ecom_pipeline_tests.benchmarks.sources --days 120 --orders-per-day 200
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table as Grid

from ecom_pipeline.demo import DemoPlan, simulated_vendors
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.__main__ import morning_after
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import LAST_DAY

AIM = 2_000
JUDGED_FROM = 1_000  # rows


def main() -> None:
    """Read everything once and print the rates."""
    parser = argparse.ArgumentParser(
        prog="python -m ecom_pipeline_tests.benchmarks.sources", description=__doc__
    )
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--orders-per-day", type=float, default=200.0)
    asked = parser.parse_args()
    first_day = LAST_DAY - timedelta(days=asked.days - 1)
    grid = Grid("Source", "Vendor", "Rows", "Seconds", "Rows a second", f"Aim {AIM:,}", box=None)
    with tempfile.TemporaryDirectory(prefix="sources-") as folder:
        plan = DemoPlan(first_day, LAST_DAY, 7, asked.orders_per_day)
        with simulated_vendors(Path(folder), plan) as config:
            pipeline = Pipeline(load_settings(config), lambda: morning_after(LAST_DAY, "Europe/Paris"))
            for source in pipeline.sources:
                began = perf_counter()
                for table in pipeline.tables(source):
                    pipeline.extract(source, table, first_day, LAST_DAY)
                seconds = perf_counter() - began
                rows = rows_of(pipeline, source)
                verdict = "small" if rows < JUDGED_FROM else "met" if rows / seconds >= AIM else "missed"
                vendor = pipeline.settings.sources[source].vendor
                grid.add_row(source, vendor, f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}", verdict)
    Console().print(grid)


def rows_of(pipeline: Pipeline, source: str) -> int:
    """Rows of a source in the raw log, children included."""
    with open_warehouse(pipeline.settings.warehouse_file) as connection:
        names = [
            name
            for table in pipeline.tables(source)
            for name in (table.name, *(child.name for child in table.children))
        ]
        counts = [
            connection.execute(f'SELECT COUNT(*) FROM raw."{source}__{name}"').fetchall()[0][0]
            for name in names
        ]
    return int(sum(counts))


if __name__ == "__main__":
    main()
