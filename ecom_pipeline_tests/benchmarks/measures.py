"""The measures behind the benchmark's table, one function for each kind of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from time import perf_counter, process_time
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
from ecom_pipeline.warehouse.raw_log import load_table, newest, raw_table, restated_window
from ecom_pipeline.warehouse.rewrite import to_duckdb
from ecom_pipeline.warehouse.shared_scan import share
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline_tests.benchmarks.made_up_shop import LAST_DAY, ZONE, MadeUpShop
from ecom_pipeline_tests.benchmarks.rows import Row, best, scan

DAYS = 3
FACTS, CELLS = "model.sale_lines", "model.daily_sales"


class Clock(Protocol):
    day: date


@dataclass
class Bench:
    """A made-up shop, the pipeline that reads it, and the clock both follow."""

    shop: MadeUpShop
    pipeline: Pipeline
    clock: Clock


@dataclass(frozen=True)
class SingleDays:
    """What one more day costs."""

    rows: list[Row]
    seconds: float


def measure_full(bench: Bench) -> tuple[list[Row], float]:
    """Everything from the raw log: staging, all models, all KPIs."""
    nodes: list[tuple[float, str]] = []
    began = last = process_time()

    def note(built: object) -> None:
        nonlocal last
        now = process_time()
        nodes.append((now - last, getattr(built, "node", "")))
        last = now

    bench.pipeline.compute(bench.shop.first_day, LAST_DAY, on_built=note)
    seconds = process_time() - began
    # The first node's time holds the staging before it.
    slowest = [
        Row(f"  … {name}", taken, "", None, None) for taken, name in sorted(nodes[1:], reverse=True)[:5]
    ]
    with _opened(bench) as connection:
        facts = ("model.orders", FACTS, "model.payments", "model.web_traffic", "model.customer_orders")
        base = sum(scan(connection, name, _columns(connection, name)) for name in facts)
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
        base = scan(connection, name, _columns(connection, name))
        query = f"CREATE OR REPLACE TEMP TABLE kept AS {newest('shop', orders)}"
        taken = best(lambda: connection.execute(query))
    return Row("keep-latest staging of orders", taken, "scan of its raw table", base, 30)


def measure_cubes(bench: Bench) -> Iterator[Row]:
    """All KPIs that are made of the lines of sales, with all their segments, for all days."""
    catalog = bench.pipeline.catalog
    nodes = [node for node in catalog.kpi_nodes if {FACTS, CELLS} & set(node.inputs)]
    scans, shared = share([(node.kpi, node.sql) for node in nodes if node.kpi], Expansion(ZONE))
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
        base = scan(connection, FACTS, columns)
        cells = best(_run(connection, "cells", _sql(catalog.by_name[CELLS])))
        passes = {one.source: best(_run(connection, one.table, one.query())) for one in scans}
        cubes = best(_run(connection, "cubes", " UNION ALL ".join(one.query() for one in shared)))
        segments = sum(len(one.kpi.dimensions) + 1 for one in shared)
    assert len(shared) == len(nodes)
    taken = cells + sum(passes.values()) + cubes
    against = "scan of sale_lines"
    yield Row(f"daily cubes of {len(shared)} KPIs of sales ({segments} cubes)", taken, against, base, 2.5)
    yield Row("  … the cells of daily_sales", cells, against, base)
    for source, seconds in passes.items():
        yield Row(f"  … one pass over {source.split(' AS ')[0]}", seconds, against, base)
    yield Row("  … one of the cubes", taken / segments, against, base)


def measure_rolling(bench: Bench) -> Iterator[Row]:
    """Exact distinct customers of 28 and 365 days, for every day at once."""
    node = bench.pipeline.catalog.by_name["model.customer_activity"]
    columns = ("day", "dimension", "segment", "first_day", "previous_day", "second_previous_day")
    with _opened(bench) as connection:
        base = scan(connection, "model.customer_orders", columns)
        build = _run(connection, "cube", _sql(node))
        _run_days(connection, bench.shop.first_day, LAST_DAY)
        every = best(build)
        # As many orders, one day in seven: the cost must come from the orders, not from the days asked for.
        connection.execute("DELETE FROM run.days WHERE ISODOW(day) <> 7")
        weekly = best(build)
    against = "scan of customer_orders"
    yield Row("five rolling windows of distinct customers, all days", every, against, base, 50)
    yield Row("  … one of the five", every / 5, against, base, 10)
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
        began = process_time()
        bench.pipeline.compute(day, day)
        computing.append(process_time() - began)
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


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, ...]:
    return tuple(row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall())


def _run(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> Callable[[], object]:
    return lambda: connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")


def _sql(node: Node) -> str:
    return to_duckdb(node.sql, Expansion(ZONE))


def _run_days(connection: duckdb.DuckDBPyConnection, first_day: date, last_day: date) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE run.days AS SELECT CAST(day AS DATE) AS day "
        "FROM GENERATE_SERIES(?::DATE, ?::DATE, INTERVAL 1 DAY) AS t(day)",
        [first_day, last_day],
    )
