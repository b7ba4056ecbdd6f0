"""The measures behind the benchmark's table, one function for each kind of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from time import perf_counter
from typing import Protocol

import duckdb
import pypdfium2

from ecom_pipeline.editions import Edition
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import render_edition
from ecom_pipeline.reports import render_pdf
from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.catalog import Node
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import kpi_rows
from ecom_pipeline.warehouse.raw_log import load_table, newest, raw_table, restated_window
from ecom_pipeline.warehouse.rewrite import to_duckdb
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline_tests.benchmarks.made_up_shop import LAST_DAY, ZONE, MadeUpShop

DAYS = 3
FACTS = "model.sale_lines"


class Clock(Protocol):
    day: date


@dataclass
class Bench:
    """A made-up shop, the pipeline that reads it, and the clock both follow."""

    shop: MadeUpShop
    pipeline: Pipeline
    clock: Clock


@dataclass(frozen=True)
class Row:
    """One line of the table. A ratio compares with `against`; without one the time itself has the aim."""

    work: str
    seconds: float
    against: str = ""
    base_seconds: float | None = None
    most: float | None = None  # the aim: of the ratio, or of the seconds where there is no base
    unit: str = "x"

    @property
    def value(self) -> float:
        return self.seconds / self.base_seconds if self.base_seconds else self.seconds

    @property
    def time(self) -> str:
        return _duration(self.seconds)

    @property
    def ratio(self) -> str:
        return _amount(self.value, self.unit) if self.base_seconds else ""

    @property
    def aim(self) -> str:
        if self.most is None:
            return ""
        return "≤ " + (_amount(self.most, self.unit) if self.base_seconds else _duration(self.most))

    @property
    def verdict(self) -> str:
        return "" if self.most is None else "met" if self.value <= self.most else "missed"


@dataclass(frozen=True)
class SingleDays:
    """What one more day costs."""

    rows: list[Row]
    seconds: float


def measure_full(bench: Bench) -> tuple[list[Row], float]:
    """Everything from the raw log: staging, all models, all KPIs."""
    nodes: list[tuple[float, str]] = []
    began = last = perf_counter()

    def note(built: object) -> None:
        nonlocal last
        now = perf_counter()
        nodes.append((now - last, getattr(built, "node", "")))
        last = now

    bench.pipeline.compute(bench.shop.first_day, LAST_DAY, on_built=note)
    seconds = perf_counter() - began
    # The first node's time holds the staging before it.
    slowest = [
        Row(f"  … {name}", taken, "", None, None) for taken, name in sorted(nodes[1:], reverse=True)[:5]
    ]
    with _opened(bench) as connection:
        facts = ("model.orders", FACTS, "model.payments", "model.web_traffic", "model.customer_orders")
        base = sum(_scan(connection, name, _columns(connection, name)) for name in facts)
    return [
        Row("full compute of all models and KPIs", seconds, "scan of the facts", base),
        Row("  … staging", nodes[0][0]),
        *slowest,
    ], seconds


def measure_keep_latest(bench: Bench) -> Row:
    """The newest living version of every order, out of the log of all versions."""
    orders = next(table for table in bench.pipeline.tables("shop") if table.name == "orders")
    with _opened(bench) as connection:
        name = raw_table("shop", "orders")
        base = _scan(connection, name, _columns(connection, name))
        query = f"CREATE OR REPLACE TEMP TABLE kept AS {newest('shop', orders)}"
        taken = _best(lambda: connection.execute(query))
    return Row("keep-latest staging of orders", taken, "scan of its raw table", base, 30)


def measure_cubes(bench: Bench) -> Iterator[Row]:
    """All KPIs that are made of the lines of sales, with all their segments, for all days."""
    catalog = bench.pipeline.catalog
    readers = [node for node in catalog.kpi_nodes if FACTS in node.inputs]
    cells = [node for node in catalog.kpi_nodes if "model.daily_sales" in node.inputs]
    columns = (
        "day",
        "shop",
        "channel",
        "device",
        "country",
        "product",
        "kind",
        "gross",
        "discounts",
        "returns",
        "cost",
    )
    with _opened(bench) as connection:
        _run_days(connection, bench.shop.first_day, LAST_DAY)
        base = _scan(connection, FACTS, columns)
        direct = sum(_best(_cube(connection, node)) for node in readers)
        daily = catalog.by_name["model.daily_sales"]
        query = f"CREATE OR REPLACE TEMP TABLE cube AS {_sql(daily)}"
        through = _best(lambda: connection.execute(query)) + sum(
            _best(_cube(connection, node)) for node in cells
        )
        segments = sum(len(node.kpi.dimensions) + 1 for node in (*readers, *cells) if node.kpi)
    count = len(readers) + len(cells)
    yield Row(
        f"daily cubes of {count} KPIs of sales ({segments} cubes)",
        direct + through,
        "scan of sale_lines",
        base,
        2.5,
    )
    yield Row("  … one of them", (direct + through) / segments, "scan of sale_lines", base)


def measure_rolling(bench: Bench) -> Iterator[Row]:
    """Exact distinct customers of 28 and 365 days, for every day at once."""
    node = bench.pipeline.catalog.by_name["model.customer_activity"]
    columns = ("day", "dimension", "segment", "first_day", "previous_day", "second_previous_day")
    with _opened(bench) as connection:
        base = _scan(connection, "model.customer_orders", columns)
        query = f"CREATE OR REPLACE TEMP TABLE cube AS {_sql(node)}"
        _run_days(connection, bench.shop.first_day, LAST_DAY)
        every = _best(lambda: connection.execute(query))
        # As many orders, one day in seven: the cost must come from the orders, not from the days asked for.
        connection.execute("DELETE FROM run.days WHERE ISODOW(day) <> 7")
        weekly = _best(lambda: connection.execute(query))
    against = "scan of customer_orders"
    yield Row("distinct customers, 5 rolling measures, all days", every, against, base, 10)
    yield Row("  … one of the 5", every / 5, against, base, 10)
    yield Row("  … all days against one day in seven", every, "one day in seven", weekly, 1.5)


def measure_publish(bench: Bench) -> Row:
    began = perf_counter()
    size = bench.pipeline.publish()
    return Row(f"publishing {size / 1e6:.0f} MB for readers", perf_counter() - began)


def measure_report(bench: Bench) -> Iterator[Row]:
    for language in ("fr", "en"):
        began = perf_counter()
        rendered = render_edition(
            bench.pipeline, Edition(newest_complete(Rhythm.WEEKLY, LAST_DAY), "direction", language)
        )
        yield Row(f"weekly report ({language}): numbers, HTML, mail, PDF", perf_counter() - began, most=5)
        html, pdf = rendered.files.html.read_text(encoding="utf-8"), rendered.files.pdf
        began = perf_counter()
        render_pdf(html, pdf)
        seconds = perf_counter() - began
        with pypdfium2.PdfDocument(pdf) as document:
            size = f"{len(document)} pages, {pdf.stat().st_size // 1000} KB"
        yield Row(f"of which its PDF ({size})", seconds, most=5)


def measure_days(bench: Bench, full_seconds: float, seconds_of_small: float | None) -> SingleDays:
    """Land and compute the days after the history, one by one."""
    landings: dict[str, list[tuple[float, float]]] = {}
    computing = []
    for offset in range(1, DAYS + 1):
        day = LAST_DAY + timedelta(days=offset)
        bench.clock.day = day
        for source in bench.pipeline.sources:
            for table in bench.pipeline.tables(source):
                landings.setdefault(table.name, []).append(_land(bench, source, table, day))
        began = perf_counter()
        bench.pipeline.compute(day, day)
        computing.append(perf_counter() - began)
    seconds = median(computing)
    loads = {name: median(load for load, _ in taken) for name, taken in landings.items()}
    spools = {name: median(spool for _, spool in taken) for name, taken in landings.items()}
    heaviest = max(loads, key=lambda name: loads[name])
    rows = [
        Row("landing one day of a table (median of all)", median(loads.values()), most=0.010),
        Row(f"landing one day of {heaviest}, the heaviest", loads[heaviest], most=0.010),
        Row(f"  … spooling all {len(loads)} tables before", sum(spools.values())),
        Row("one day's increment of all models and KPIs", seconds, "full compute", full_seconds, 0.02, "%"),
    ]
    if seconds_of_small is not None:
        against = "a tenth of the history"
        rows.append(Row("  … as history grows tenfold", seconds, against, seconds_of_small, 1.25))
    return SingleDays(rows, seconds)


def _land(bench: Bench, source: str, table: Table, day: date) -> tuple[float, float]:
    window = restated_window(table, bench.pipeline.window(day, day))
    rows = list(bench.shop.rows(table, window))
    began = perf_counter()
    with Spool(source, table, bench.pipeline.settings.folder / "spool") as spool:
        spool.write(rows)
        spooled = perf_counter() - began
        with _opened(bench) as connection:
            began = perf_counter()
            load_table(connection, spool, window)
            return perf_counter() - began, spooled


@contextmanager
def _opened(bench: Bench) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(bench.pipeline.settings.warehouse_file) as connection:
        yield connection


def _scan(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]) -> float:
    """Seconds to sum the columns; of a text its length, of a day its number, of a flag its ones."""
    kinds = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    sums = []
    for column in columns:
        kind = kinds[column]
        if kind == "VARCHAR":
            sums.append(f"SUM(STRLEN({column}))")
        elif kind in ("DATE", "TIMESTAMP"):
            sums.append(f"SUM(EPOCH({column}))")
        elif kind == "BOOLEAN":
            sums.append(f"SUM(CAST({column} AS INTEGER))")
        else:
            sums.append(f"SUM({column})")
    query = f"SELECT {', '.join(sums)} FROM {table}"
    return _best(lambda: connection.execute(query).fetchall())


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, ...]:
    return tuple(row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall())


def _cube(connection: duckdb.DuckDBPyConnection, node: Node) -> Callable[[], object]:
    assert node.kpi is not None
    query = f"CREATE OR REPLACE TEMP TABLE cube AS {kpi_rows(connection, node.kpi, _sql(node))}"
    return lambda: connection.execute(query)


def _sql(node: Node) -> str:
    return to_duckdb(node.sql, Expansion(ZONE))


def _run_days(connection: duckdb.DuckDBPyConnection, first_day: date, last_day: date) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE run.days AS SELECT CAST(day AS DATE) AS day "
        "FROM GENERATE_SERIES(?::DATE, ?::DATE, INTERVAL 1 DAY) AS t(day)",
        [first_day, last_day],
    )


def _best(work: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return min(taken)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _amount(value: float, unit: str) -> str:
    return f"{value * 100:.1f} %" if unit == "%" else f"{value:.1f} ×"
