"""A failure or a kill at any point leaves nothing half done, and running again ends as if nothing had been."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.sources.contract import Table
from ecom_pipeline.warehouse.build import build
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import BuildRequest
from ecom_pipeline.warehouse.raw_log import load_table, sweep_table
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline.warehouse.stage import stage
from ecom_pipeline_tests.simulation import Simulation, dump_tables, simulate

from .toy import ARTICLES, MONDAY, ORDERS, STOCK, VISITS, at, order, window
from .worker import NODES, Watched, run_day

TUESDAY = MONDAY + timedelta(days=1)
KILLS = 16
ALL_SCHEMAS = ("raw", "mapped", "model", "kpi", "ops", "config")
OUTCOME = ("mapped", "model", "kpi")


class PulledPlug(BaseException):
    """Not an Exception: nothing may swallow it."""


class Plug:
    """Lets a number of statements pass and pulls the plug before the next."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.left = 1_000_000  # what tidies up afterwards may run
            raise PulledPlug


def attempts(connection: duckdb.DuckDBPyConnection, act: Callable[[Any], Any]) -> Iterator[int]:
    """Try with the plug pulled before the first statement, the second …, until it runs through."""
    for number in count():
        try:
            act(Watched(connection, Plug(number)))
        except PulledPlug:
            yield number
        else:
            return


CASES: list[tuple[Table, list[Any], list[Any]]] = [
    (ORDERS, [order("a", at(9), "3", "4"), order("b", at(9), "1")], [order("a", at(12), "3"), order("c", at(9), "9")]),
    (VISITS, [{"day": MONDAY, "page": "/", "visits": 3}], [{"day": MONDAY, "page": "/", "visits": 4}]),
    (STOCK, [{"id": "x", "level": 3}], [{"id": "x", "level": 4}]),
    (ARTICLES, [{"id": "x", "title": "Vase"}, {"id": "y", "title": "Bol"}], [{"id": "x", "title": "Pot"}]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "first", "second"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_a_load_is_whole_or_not_at_all(
    tmp_path: Path, table: Table, first: list[Any], second: list[Any]
) -> None:
    """The plug is pulled before every statement of a load, its commit included."""
    later = window(asked_at=at(9, day=TUESDAY))

    def load(connection: Any, rows: list[Any], asked: Any) -> None:
        with Spool("toy", table, tmp_path / "spool") as spool:
            spool.write(rows)
            load_table(connection, spool, asked)

    def dump(file: Path) -> dict[str, list[tuple[Any, ...]]]:
        with open_warehouse(file) as connection:
            return dump_tables(connection, ALL_SCHEMAS)

    undisturbed, disturbed = tmp_path / "undisturbed.duckdb", tmp_path / "disturbed.duckdb"
    for file in (undisturbed, disturbed):
        with open_warehouse(file) as connection:
            load(connection, first, window())
    before = dump(disturbed)
    with open_warehouse(undisturbed) as connection:
        load(connection, second, later)
    for number in count():
        try:
            with open_warehouse(disturbed) as connection:
                load(Watched(connection, Plug(number)), second, later)
        except PulledPlug:
            assert dump(disturbed) == before, f"something was left by statement {number}"
        else:
            break
    assert number > 8
    assert dump(disturbed) == dump(undisturbed)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_sweep_is_whole_or_not_at_all(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with Spool("toy", ORDERS, tmp_path) as spool:
        spool.write([order("a", at(9), "3"), order("b", at(9), "4")])
        load_table(connection, spool, window())
    before = dump_tables(connection, ALL_SCHEMAS)
    tried = []
    for number in attempts(connection, lambda watched: sweep_table(watched, "toy", ORDERS, window(), ["a"])):
        if not in_transaction(connection):
            assert dump_tables(connection, ALL_SCHEMAS) == before
        rollback(connection)
        tried.append(number)
    assert len(tried) > 4
    assert dump_tables(connection, ALL_SCHEMAS) != before


def in_transaction(connection: duckdb.DuckDBPyConnection) -> bool:
    """A plug pulled before COMMIT leaves the transaction to the closing of the connection."""
    try:
        connection.execute("BEGIN")
    except duckdb.TransactionException:
        return True
    connection.execute("ROLLBACK")
    return False


def rollback(connection: duckdb.DuckDBPyConnection) -> None:
    if in_transaction(connection):
        connection.execute("ROLLBACK")


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Three weeks computed but for the last day."""
    folder = tmp_path_factory.mktemp("kills")
    with simulate(folder, seed=31, days=21, orders_per_day=4) as simulation:
        last = simulation.shop.last_day
        simulation.set_day(last - timedelta(days=1))
        simulation.run(last_day=last - timedelta(days=1))
        simulation.set_day(last)
        yield simulation


def outcome(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with open_warehouse(file) as connection:
        found = dump_tables(connection, OUTCOME)
        assert not connection.execute(
            """SELECT DISTINCT _load_id FROM raw.shop__orders
               WHERE _load_id NOT IN (SELECT load_id FROM ops.loads)"""
        ).fetchall()
        return found


@pytest.fixture
def undisturbed(eve: Simulation, tmp_path: Path) -> Iterator[tuple[Path, dict[str, list[tuple[Any, ...]]]]]:
    """The warehouse as of the eve, restored afterwards, and what the last day makes of it."""
    kept = tmp_path / "eve.duckdb"
    shutil.copy(eve.warehouse, kept)
    run_day(eve.pipeline, eve.shop.last_day)
    result = outcome(eve.warehouse)
    shutil.copy(kept, eve.warehouse)
    yield kept, result
    shutil.copy(kept, eve.warehouse)


def test_killed_processes_leave_nothing_half_done(
    eve: Simulation, undisturbed: tuple[Path, dict[str, list[tuple[Any, ...]]]]
) -> None:
    """SIGKILL while a statement chosen by chance is running; nothing is cleaned up in between."""
    draw = random.Random(5)
    arguments = [
        sys.executable, "-m", "ecom_pipeline_tests.warehouse.worker", str(eve.pipeline.settings.file),
        eve.world.now().isoformat(), eve.shop.last_day.isoformat(),
    ]  # fmt: skip
    killed = 0
    for _ in range(KILLS):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(draw.randint(1, 120)):
                if process.stdout.readline() != "statement\n":
                    break
            else:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
        shown = outcome(eve.warehouse)  # opens, and no table is torn
        assert set(shown) == set(undisturbed[1])
    assert killed >= 15
    run_day(eve.pipeline, eve.shop.last_day)
    assert outcome(eve.warehouse) == undisturbed[1]


def test_a_build_or_stage_cut_short_is_made_good_by_the_next(
    eve: Simulation, undisturbed: tuple[Path, dict[str, list[tuple[Any, ...]]]]
) -> None:
    """The plug is pulled before every statement of staging and of building; each time it goes on from there."""
    pipeline, last = eve.pipeline, eve.shop.last_day
    for source, names in {
        "shop": ("orders",),
        "ads": ("campaign_performance",),
        "bank": ("balances",),
    }.items():
        for table in pipeline.tables(source):
            if table.name in names:
                pipeline.extract(source, table, last, last)
    catalog, zone = pipeline.catalog, pipeline.settings.shop.time_zone
    request = BuildRequest(last, last, eve.shop.first_day, zone, eve.world.now())
    with open_warehouse(eve.warehouse) as connection:
        staged = []
        for staged_at in attempts(connection, lambda watched: stage(watched, catalog, zone)):
            rollback(connection)
            staged.append(staged_at)
        tried = 0
        for node in catalog.select(NODES):
            before = table_of(connection, node.name)
            for _ in attempts(connection, partial(build, nodes=[node], request=request)):
                rollback(connection)
                assert table_of(connection, node.name) == before, node.name
                tried += 1
    assert len(staged) > 20
    assert tried > 60
    pipeline.compute(last, last, NODES)
    assert outcome(eve.warehouse) == undisturbed[1]


def table_of(connection: duckdb.DuckDBPyConnection, node: str) -> list[tuple[Any, ...]]:
    kind, _, name = node.partition(".")
    if kind == "kpi":
        sql = f"""SELECT 1, * FROM kpi.daily WHERE kpi = '{name}'
                  UNION ALL BY NAME SELECT 2, * FROM kpi.restatements WHERE kpi = '{name}'"""
    else:
        sql = f"SELECT * FROM {node}"
    rows = connection.execute(sql).fetchall()
    return sorted(
        rows + connection.execute("SELECT * FROM ops.built WHERE node = ?", [node]).fetchall(), key=repr
    )
