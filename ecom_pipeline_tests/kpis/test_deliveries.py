"""Deliveries find their orders and are the same whether read day by day or at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecom_pipeline.sandbox.events import Order, Shop
from ecom_pipeline.sandbox.generator import generate_shop

from ..simulation import LAST_DAY, Simulation, reading, simulate

DAYS, DAILY = 49, 12
READ = ("shop", "parcels")
MODELS = ("model.deliveries", "model.delivery_times")
BUILT = (*MODELS, "kpi.order_cycle_time", "kpi.time_to_ship")


def made_shop() -> Shop:
    """A shop that deletes an order whose parcel arrived, six days before the end."""
    shop = generate_shop(17, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY, 4, reading("parcels"))
    victim = delivered_orders(shop)[60]
    deleted_at = datetime.combine(LAST_DAY - timedelta(days=6), time(12), UTC)
    shop.orders[shop.orders.index(victim)] = replace(victim, deleted_at=deleted_at)
    return shop


def delivered_orders(shop: Shop) -> list[Order]:
    """Orders of one parcel, which arrived."""
    return [one for one in shop.orders if len(one.fulfillments) == 1 and one.fulfillments[0].delivered_at]


def rows(simulation: Simulation) -> dict[str, Any]:
    found = {name: simulation.query(f"SELECT * FROM {name} ORDER BY ALL") for name in MODELS}
    kpis = "kpi IN ('order_cycle_time', 'time_to_ship')"
    return found | {"kpi.daily": simulation.query(f"SELECT * FROM kpi.daily WHERE {kpis} ORDER BY ALL")}


def build(simulation: Simulation, first_day: date, last_day: date) -> None:
    simulation.pipeline.compute(first_day, last_day, names=BUILT)


def test_daily_runs_end_where_one_reading_does(tmp_path: Path) -> None:
    """Late deliveries land on their own day, orders deleted meanwhile take their parcels with them."""
    business = reading("parcels")
    with simulate(tmp_path / "once", seed=17, days=DAYS, orders_per_day=4, shop=made_shop()) as once:
        once.extract(sources=READ)
        build(once, once.shop.first_day, once.shop.last_day)
        wanted = rows(once)
    with simulate(
        tmp_path / "daily", seed=17, days=DAYS, orders_per_day=4, shop=made_shop(), business=business
    ) as daily:
        first = daily.shop.last_day - timedelta(days=DAILY)
        daily.set_day(first)
        daily.extract(daily.shop.first_day, first, READ)
        build(daily, daily.shop.first_day, first)
        for back in reversed(range(DAILY)):
            day = daily.shop.last_day - timedelta(days=back)
            daily.set_day(day)
            daily.extract(day, day, READ)
            build(daily, day, day)
        (orders,) = [table for table in daily.pipeline.tables("shop") if table.name == "orders"]
        daily.pipeline.sweep("shop", orders, daily.shop.first_day, daily.shop.last_day)
        build(daily, daily.shop.first_day, daily.shop.last_day)
        found = rows(daily)
    for name in wanted:
        assert wanted[name], name
        assert found[name] == wanted[name], name


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with simulate(tmp_path, seed=17, days=DAYS, orders_per_day=4, shop=made_shop()) as made:
        yield made


def test_an_order_read_after_its_parcel_is_found(simulation: Simulation) -> None:
    simulation.extract(sources=("parcels",))
    build(simulation, simulation.shop.first_day, simulation.shop.last_day)
    assert simulation.query("SELECT COUNT(*) FROM model.deliveries WHERE order_cycle IS NOT NULL") == [(0,)]
    simulation.extract(sources=("shop",))
    build(simulation, simulation.shop.first_day, simulation.shop.last_day)
    matched = simulation.query("SELECT COUNT(order_cycle), COUNT(*) FROM model.deliveries")[0]
    deleted = sum(
        1
        for parcel in simulation.shop.parcels
        if not parcel.is_return and parcel.delivered_at and parcel.order_id in deleted_orders(simulation.shop)
    )
    assert matched[1] - matched[0] == deleted > 0, "what has no order any more is the deleted ones' only"


def deleted_orders(shop: Shop) -> set[int]:
    return {order.order_id for order in shop.orders if order.deleted_at is not None}


def test_a_number_used_twice_means_the_newest_order_before_the_label(tmp_path: Path) -> None:
    shop = made_shop()
    older, newer = delivered_orders(shop)[3], delivered_orders(shop)[40]
    shop.orders[shop.orders.index(newer)] = replace(newer, name=older.name)
    with simulate(tmp_path, seed=17, days=DAYS, orders_per_day=4, shop=shop) as simulation:
        simulation.extract(sources=READ)
        build(simulation, shop.first_day, shop.last_day)
        found = simulation.query(
            "SELECT d.order_cycle FROM model.deliveries AS d JOIN mapped.parcels AS p USING (platform, parcel_id) "
            "WHERE p.order_number = ? ORDER BY p.announced_at",
            [older.name],
        )
    assert [seconds for (seconds,) in found] == [cycle(older), cycle(newer)]


def cycle(order: Order) -> int:
    """Seconds from the order to the arrival of its parcel."""
    arrived = order.fulfillments[0].delivered_at
    assert arrived is not None
    return int((arrived - order.created_at).total_seconds())
