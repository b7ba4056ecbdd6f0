"""A simulated shop with a pipeline reading it over HTTP: what most end-to-end tests begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.__main__ import morning_after
from ecom_pipeline.sandbox.configuration import sandbox_environment, sandbox_toml, write_configuration
from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.events import ONE_SHOP, Business, Shop, ShopCosts
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.ledgers import write_ledgers
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.twins import vendor_instances
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import open_warehouse

LAST_DAY = date(2026, 11, 15)  # a Sunday; the histories cross the end of summer time


@dataclass
class Simulation:
    """A shop, its vendors and the pipeline that reads them. The clock moves with `set_day`."""

    world: World
    costs: ShopCosts
    pipeline: Pipeline
    imports: Path
    looked: set[date] = field(default_factory=set)  # the days whose close snapshots were read of

    @property
    def shop(self) -> Shop:
        return self.world.shop

    @property
    def warehouse(self) -> Path:
        return self.pipeline.settings.warehouse_file

    def set_day(self, day: date) -> None:
        """Move the clock to the morning after a day: the day is the newest complete one."""
        self.set_now(morning_after(day, self.shop.time_zone))

    def newest_day(self) -> date:
        """The newest complete day."""
        return self.world.now().astimezone(ZoneInfo(self.shop.time_zone)).date() - timedelta(days=1)

    def set_now(self, now: datetime) -> None:
        self.world.set_now(now)
        self.write_ledgers()

    def write_ledgers(self) -> None:
        """Drop what the shop's people wrote down by now where the pipeline reads files."""
        write_ledgers(self.shop, self.imports, self.world.now())

    def extract(
        self,
        first_day: date | None = None,
        last_day: date | None = None,
        sources: Iterable[str] | None = None,
    ) -> None:
        """Read every table of the sources (all, by default) for the days (the whole history, by default)."""
        first = first_day or self.shop.first_day
        last = last_day or self.shop.last_day
        if last >= self.newest_day():
            self.looked.add(self.newest_day())
        for source in sources if sources is not None else self.pipeline.sources:
            for table in self.pipeline.tables(source):
                self.pipeline.extract(source, table, first, last)

    def compute(self, first_day: date | None = None, last_day: date | None = None) -> None:
        self.pipeline.compute(first_day or self.shop.first_day, last_day or self.shop.last_day)

    def run(self, first_day: date | None = None, last_day: date | None = None) -> None:
        """Extract and compute."""
        self.extract(first_day, last_day)
        self.compute(first_day, last_day)

    def oracle(self) -> Oracle:
        """The truth as of now, which of snapshots knows the days somebody looked."""
        return Oracle(self.shop, self.costs, self.world.now(), snapshot_days=sorted(self.looked) or None)

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with open_warehouse(self.warehouse) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


def reading(*sources: str, business: Business = ONE_SHOP) -> Business:
    """A business of the same make that also reads these sources."""
    return replace(business, sources=(*(business.sources or ()), *sources))


@contextmanager
def simulate(
    folder: Path,
    *,
    seed: int,
    days: int,
    orders_per_day: float,
    last_day: date = LAST_DAY,
    shop: Shop | None = None,
    business: Business = ONE_SHOP,
) -> Iterator[Simulation]:
    """Serve a generated (or given) shop and configure a pipeline for it in the folder."""
    first_day = last_day - timedelta(days=days - 1)
    made = shop or generate_shop(seed, first_day, last_day, orders_per_day, business)
    costs = shop_costs(orders_per_day, made.business)
    world = World(made, morning_after(made.last_day, made.time_zone))
    with run_sandbox(world) as url:
        instances = vendor_instances(world, url)
        environment = sandbox_environment(instances)
        imports = folder / "imports"
        ledgers = made.business.reads("ledgers")
        storefronts = made.business.storefronts
        toml = sandbox_toml(
            instances, costs, made.first_day, imports, ledgers=ledgers, storefronts=storefronts
        )
        file = write_configuration(folder, toml, environment)
        pipeline = Pipeline(load_settings(file, environment), clock=world.now)
        simulation = Simulation(world, costs, pipeline, imports)
        simulation.write_ledgers()
        yield simulation


def dump_tables(
    connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]
) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the schemas, sorted: equal dumps are equal warehouses."""
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE LIST_CONTAINS(?, schema_name) ORDER BY 1, 2",
        [list(schemas)],
    ).fetchall()
    return {
        f"{schema}.{table}": sorted(
            connection.execute(f'SELECT * FROM {schema}."{table}"').fetchall(), key=repr
        )
        for schema, table in tables
    }
