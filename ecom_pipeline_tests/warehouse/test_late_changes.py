"""What arrives weeks late restates exactly the days it touches, and every restatement is written down.

What must change is told by the oracle, asked as of the evening before and as of the evening after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sandbox.events import Agreement, Order, Restock, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.raw_log import sweep_table
from ecom_pipeline_tests.simulation import LAST_DAY, Simulation, simulate

DAYS = 42
EVE = LAST_DAY - timedelta(days=1)
NOON = datetime.combine(LAST_DAY, time(11), UTC)
Cut = tuple[str, date, str, str]
Values = tuple[Decimal, Decimal]


@dataclass(frozen=True)
class Late:
    """The orders to which something happens weeks after their day."""

    refunded: Order
    edited: Order
    cancelled: Order
    deleted: Order


def is_plain(order: Order) -> bool:
    """A paid order in euros to which nothing happened after its day."""
    return (
        len(order.agreements) == 1
        and any(line.kind == "product" and line.gross > 0 for line in order.agreements[0].lines)
        and order.currency == "EUR"
        and order.email is not None
        and not (order.test or order.voided_at or order.cancelled_at or order.deleted_at)
    )


def back(order: Order, kind: Any, number: int) -> Agreement:
    """All its articles given back at noon, on the shelf again."""
    sold = [line for line in order.agreements[0].lines if line.kind == "product"]
    lines = tuple(
        replace(line, gross=-line.gross, discount=-line.discount, tax=-line.tax, quantity=-line.quantity)
        for line in sold
    )
    restocks = tuple(
        Restock(line.line_item_id, line.quantity, True) for line in sold if line.line_item_id is not None
    )
    return Agreement(number, kind, NOON, lines, number + 1, restocks)


def happen(shop: Shop) -> Late:
    """Let four things happen to orders four and five weeks old."""
    old = [
        order
        for order in shop.orders
        if is_plain(order) and timedelta(days=25) < NOON - order.created_at < timedelta(days=38)
    ]
    late = Late(*old[::3][:4])
    more = Agreement(990_003, "edit", NOON, late.edited.agreements[0].lines[:1])
    changed = {
        late.refunded.order_id: replace(
            late.refunded, agreements=(*late.refunded.agreements, back(late.refunded, "refund", 990_001))
        ),
        late.edited.order_id: replace(late.edited, agreements=(*late.edited.agreements, more)),
        late.cancelled.order_id: replace(
            late.cancelled,
            cancelled_at=NOON,
            agreements=(*late.cancelled.agreements, back(late.cancelled, "cancel", 990_005)),
        ),
        late.deleted.order_id: replace(late.deleted, deleted_at=NOON),
    }
    shop.orders[:] = [changed.get(order.order_id, order) for order in shop.orders]
    return late


def figures(simulation: Simulation) -> dict[Cut, Values]:
    """Every KPI as the oracle knows it now."""
    oracle = simulation.oracle()
    return {
        (key, *cut): (pair[0] or Decimal(0), pair[1] or Decimal(0))
        for key in oracle.kpis()
        for cut, pair in oracle.compute(key).items()
    }


def shown(simulation: Simulation) -> set[tuple[str, date]]:
    return {
        (key, day)
        for key, day in simulation.query("SELECT kpi, day FROM kpi.days WHERE state = 'complete'")
        if key != "data_freshness"
    }


def stored(simulation: Simulation) -> dict[Cut, Values]:
    rows = simulation.query(
        """SELECT kpi, day, dimension, segment, numerator, denominator FROM kpi.daily
           JOIN kpi.days USING (kpi, day) WHERE state = 'complete' AND kpi <> 'data_freshness'"""
    )
    return {(*row[:4],): (row[4] or Decimal(0), row[5] or Decimal(0)) for row in rows}


def changed_between(
    before: dict[Cut, Values], after: dict[Cut, Values], days: set[tuple[str, date]]
) -> dict[Cut, tuple[Values, Values]]:
    nothing = (Decimal(0), Decimal(0))
    return {
        cut: (before.get(cut, nothing), after.get(cut, nothing))
        for cut in before.keys() | after.keys()
        if cut[:2] in days and before.get(cut, nothing) != after.get(cut, nothing)
    }


def restated(simulation: Simulation, since: datetime) -> dict[Cut, tuple[Values, Values]]:
    rows = simulation.query(
        """SELECT kpi, day, dimension, segment, numerator_before, denominator_before,
                  numerator_after, denominator_after FROM kpi.restatements
           WHERE changed_at >= ? AND kpi <> 'data_freshness'""",
        [since.replace(tzinfo=None)],
    )
    values = [[value or Decimal(0) for value in row[4:]] for row in rows]
    found = {
        (*row[:4],): ((given[0], given[1]), (given[2], given[3]))
        for row, given in zip(rows, values, strict=True)
    }
    assert len(found) == len(rows), "a restatement is written down once"
    return found


def sweep(simulation: Simulation) -> None:
    table = next(table for table in simulation.pipeline.tables("shop") if table.swept)
    simulation.pipeline.sweep("shop", table, simulation.shop.first_day, simulation.shop.last_day)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulation, Late]]:
    shop = generate_shop(21, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY, 5)
    late = happen(shop)
    folder: Path = tmp_path_factory.mktemp("late")
    with simulate(folder, seed=21, days=DAYS, orders_per_day=5, shop=shop) as simulation:
        simulation.set_day(EVE)
        simulation.run(last_day=EVE)
        yield simulation, late


def test_a_late_day_restates_what_the_oracle_says_and_nothing_else(story: tuple[Simulation, Late]) -> None:
    simulation, late = story
    known, days, table_before = figures(simulation), shown(simulation), stored(simulation)
    assert not changed_between(known, table_before, days)

    simulation.set_day(LAST_DAY)
    simulation.extract(LAST_DAY, LAST_DAY)
    sweep(simulation)
    simulation.compute(LAST_DAY, LAST_DAY)

    wanted = changed_between(known, figures(simulation), days)
    assert restated(simulation, simulation.world.now()) == wanted
    assert changed_between(table_before, stored(simulation), days) == wanted
    causes = simulation.query(
        "SELECT DISTINCT cause FROM kpi.restatements WHERE kpi IN ('gross_merchandise_value', 'orders', 'net_sales')"
    )
    assert causes == [("shop",)], "only the shop told of its own days anew"
    touched = {(key, day) for key, day, *_ in wanted}
    day_of = {
        name: order.created_at.astimezone(simulation.pipeline.settings.shop.zone).date()
        for name, order in vars(late).items()
    }
    assert {day for key, day in touched if key == "gross_merchandise_value"} == {day_of["deleted"]}
    assert ("return_rate", day_of["refunded"]) in touched or ("return_rate", day_of["refunded"]) not in days


def test_running_it_again_restates_nothing(story: tuple[Simulation, Late]) -> None:
    simulation, _ = story
    count = "SELECT (SELECT COUNT(*) FROM kpi.restatements), (SELECT COUNT(*) FROM ops.changes)"
    before = simulation.query(count)
    simulation.run(LAST_DAY, LAST_DAY)
    sweep(simulation)
    simulation.compute(LAST_DAY, LAST_DAY)
    assert simulation.query(count) == before


def test_an_order_the_vendor_holds_again_returns_to_its_days(story: tuple[Simulation, Late]) -> None:
    simulation, late = story
    known, days = figures(simulation), shown(simulation)
    simulation.shop.orders[:] = [
        replace(order, deleted_at=None) if order.order_id == late.deleted.order_id else order
        for order in simulation.shop.orders
    ]
    simulation.set_now(simulation.world.now() + timedelta(minutes=5))
    table = next(table for table in simulation.pipeline.tables("shop") if table.swept)
    window = simulation.pipeline.window(simulation.shop.first_day, simulation.shop.last_day)
    keys = [*simulation.pipeline.sources["shop"].fetch_keys(table, window), str(late.deleted.order_id)]
    with open_warehouse(simulation.warehouse) as connection:
        sweep_table(connection, "shop", table, window, keys)
    simulation.compute(LAST_DAY, LAST_DAY)
    wanted = changed_between(known, figures(simulation), days)
    assert wanted
    assert restated(simulation, simulation.world.now()) == wanted


def test_everything_equals_the_oracle_in_the_end(story: tuple[Simulation, Late]) -> None:
    simulation, _ = story
    assert not changed_between(figures(simulation), stored(simulation), shown(simulation))
    unfed = {
        key
        for (key,) in simulation.query(
            "SELECT kpi FROM kpi.days GROUP BY kpi HAVING BOOL_AND(state = 'missing' AND reason LIKE 'no source%')"
        )
    }
    young = {key for key, kpi in kpis().items() if kpi.young_until >= DAYS}
    assert {key for key, _ in shown(simulation)} == set(kpis()) - {"data_freshness"} - unfed - young
    assert "days_of_stock" not in unfed
