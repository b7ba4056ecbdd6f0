"""A generated shop behind the simulated Shopify, and a source that reads it without ever sleeping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from ecom_pipeline.sandbox.events import Order, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors.shopify import settings
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.contract import Row, SourceContext, Table, Window
from ecom_pipeline.sources.retry import Patience
from ecom_pipeline.sources.shopify import ShopifySource

FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
KEY = b"the key of the tests"
ZONE = "Europe/Paris"
TABLES: dict[str, Table] = {table.name: table for table in ShopifySource.tables}
ORDERS, CHECKOUTS, VARIANTS = (TABLES[name] for name in ("orders", "abandoned_checkouts", "variants"))


def shop_of_two_months() -> Shop:
    return generate_shop(7, FIRST_DAY, LAST_DAY, 10)


@dataclass
class Bench:
    """One test's shop, world and source; `waits` are the seconds the source would have slept."""

    world: World
    source: ShopifySource
    ticks: list[float]
    waits: list[float] = field(default_factory=list)

    @property
    def vendor(self) -> Settings:
        return settings(self.world)

    def sleep(self, seconds: float) -> None:
        """Time passes for the vendor as well, so that its bucket fills."""
        self.waits.append(seconds)
        self.ticks[0] += seconds

    def fetch(self, table: Table, first_day: date, last_day: date) -> list[Row]:
        return list(self.source.fetch(table, self.window(first_day, last_day)))

    def keys(self, first_day: date, last_day: date) -> list[str]:
        return list(self.source.fetch_keys(ORDERS, self.window(first_day, last_day)))

    def window(self, first_day: date, last_day: date) -> Window:
        return Window(first_day, last_day, ZONE, self.world.now())

    def asked(self, text: str) -> int:
        """How many requests held this text."""
        return sum(text in entry.body for entry in self.world.log)

    def known(self) -> list[Order]:
        """The orders the vendor still holds."""
        now = self.world.now()
        return [
            order
            for order in self.world.shop.orders
            if order.created_at <= now and (order.deleted_at is None or order.deleted_at > now)
        ]


@contextmanager
def bench_of(shop: Shop, now: datetime = NOW, **more: Any) -> Iterator[Bench]:
    ticks = [0.0]
    world = World(shop, now, ticks=lambda: ticks[0])
    with run_sandbox(world) as url:
        chosen = {
            "domain": shop.domain,
            "access_token": SecretStr(world.secrets["shopify_access_token"]),
            "base_url": f"{url}/shopify",
        } | more
        context = SourceContext(ZONE, world.now, KEY)
        bench = Bench(
            world, ShopifySource("boutique", ShopifySource.Settings.model_validate(chosen), context), ticks
        )
        bench.source.patience = Patience(sleep=bench.sleep, random=lambda: 1.0, read_timeout=20)
        yield bench


def by_id(rows: list[Row]) -> dict[str, Row]:
    """Rows by key; a key that comes twice is an error."""
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def days(first_day: date, last_day: date, step: int) -> Iterator[tuple[date, date]]:
    """The span in parts of at most `step` days."""
    while first_day <= last_day:
        end = min(last_day, first_day + timedelta(days=step - 1))
        yield first_day, end
        first_day = end + timedelta(days=1)
