"""One command, one table: what the product's work costs, as ratios within this run on the same data.

Nothing is asserted: the machine may be busy. The aims stand beside the ratios, and a row that misses its aim
says so. "Scan" is summing the needed columns of the table the work reads. Ratios are of processor time, what has
no ratio is timed by the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table as Grid

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline.sources.contract import local_midnight
from ecom_pipeline_tests.benchmarks.daily_run import measure_daily_run
from ecom_pipeline_tests.benchmarks.made_up_shop import LAST_DAY, ZONE, MadeUpShop, write_configuration
from ecom_pipeline_tests.benchmarks.measures import (
    Bench,
    measure_cubes,
    measure_days,
    measure_full,
    measure_keep_latest,
    measure_publish,
    measure_report,
    measure_rolling,
)
from ecom_pipeline_tests.benchmarks.rows import Row
from ecom_pipeline_tests.benchmarks.sessions import measure_sessions

YEARS_DAYS = 1096


class MorningAfter:
    """A clock that stands at seven in the morning after a day."""

    def __init__(self) -> None:
        self.day = LAST_DAY

    def __call__(self) -> datetime:
        return local_midnight(self.day + timedelta(days=1), ZONE) + timedelta(hours=7)


def main() -> None:
    """Make two shops, one with a tenth of the other's history, and measure."""
    parser = argparse.ArgumentParser(prog="python -m ecom_pipeline_tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--orders", type=int, default=1_000_000, help="orders in three years (default 1000000)"
    )
    parser.add_argument(
        "--sessions", type=int, default=10_000_000, help="rows of the log of sessions (default 10000000)"
    )
    given = parser.parse_args()
    orders = given.orders
    console = Console(stderr=True)
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        rows = []
        for row in _measure(Path(folder), orders, given.sessions, console):
            rows.append(row)
            console.print(" ".join(filter(None, (row.work, row.time, row.ratio, row.aim, row.verdict))))
    Console(width=max(120, Console().width)).print(_grid(rows, orders, perf_counter() - began))
    sys.stdout.flush()


def _measure(folder: Path, orders: int, sessions: int, console: Console) -> Iterator[Row]:
    with _step(console, f"{orders // 10} orders in {YEARS_DAYS // 10} days"):
        small = _bench(folder / "small", orders // 10, YEARS_DAYS // 10)
        _, full_of_small = measure_full(small)
        days_of_small = measure_days(small, full_of_small, None)
    with _step(console, f"{orders} orders in {YEARS_DAYS} days"):
        bench = _bench(folder / "large", orders, YEARS_DAYS)
    with _step(console, "keep-latest"):
        yield measure_keep_latest(bench)
    with _step(console, "all models and KPIs"):
        full_rows, full = measure_full(bench)
        yield from full_rows
    with _step(console, "cubes, rolling windows"):
        yield from measure_cubes(bench)
        yield from measure_rolling(bench)
    with _step(console, "publishing, reports"):
        yield measure_publish(bench)
        yield from measure_report(bench)
    with _step(console, "single days"):
        days = measure_days(bench, full, days_of_small.seconds)
    yield from days.rows
    yield Row(f"  … after a history of {YEARS_DAYS // 10} days", days_of_small.seconds)
    with _step(console, f"{sessions} sessions"):
        yield from measure_sessions(folder, bench.pipeline, sessions)
    with _step(console, "a shop of the demo's size"):
        yield from measure_daily_run(folder / "demo")


def _bench(folder: Path, orders: int, days: int) -> Bench:
    shop = MadeUpShop(folder / "truth", orders, days)
    clock = MorningAfter()
    file = write_configuration(folder, shop.first_day)
    environment = {"ECOM_PSEUDONYM_KEY": "benchmark" * 4}
    pipeline = Pipeline(load_settings(file, environment), clock=clock)
    shop.fill(pipeline, pipeline.window(shop.first_day, LAST_DAY))
    return Bench(shop, pipeline, clock)


def _grid(rows: list[Row], orders: int, seconds: float) -> Grid:
    grid = Grid(
        title=f"{orders} orders in three years, {os.cpu_count()} cores",
        caption=f"everything took {seconds:.0f} s",
    )
    for heading in ("work", "time", "against", "ratio", "aim", ""):
        grid.add_column(heading, justify="right" if heading in ("time", "ratio", "aim") else "left")
    for row in rows:
        grid.add_row(row.work, row.time, row.against, row.ratio, row.aim, row.verdict)
    return grid


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    began = perf_counter()
    yield
    console.print(f"{what}: {perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
