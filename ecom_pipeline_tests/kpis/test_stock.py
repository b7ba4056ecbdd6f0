"""Stock read morning by morning: each day as it was seen, gaps missing, windows shown once they rest on enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, Value, read_period_values
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, simulate
from .built_shop import Key, Pair, differences, keyed

DAYS, LOOKED = 405, 36  # of history, and how many mornings before the last somebody looked
UNSEEN = (30, 12, 11)  # mornings before the last on which the shop could not be read
STOCK = ("stockout_rate", "days_of_stock", "sell_through_rate", "inventory_turnover")
WINDOWS = ("days_of_stock", "inventory_turnover")
NEEDED = 26  # days read: nine tenths of four weeks


@dataclass(frozen=True)
class Watched:
    """A shop whose stock was read on some mornings, and the days that they told of."""

    simulation: Simulation
    seen: list[date]

    @property
    def last_day(self) -> date:
        return self.simulation.shop.last_day

    def read_before(self, day: date, window: int) -> int:
        return sum(day - timedelta(days=window) < one <= day for one in self.seen)

    def value(self, key: str, day: date, period: Period = Period.DAY) -> Value:
        with open_warehouse(self.simulation.warehouse) as connection:
            return read_period_values(connection, [kpis()[key]], period, [day])[0].current

    def stored(self, key: str, numerator: str, denominator: str) -> dict[Key, Pair]:
        rows = self.simulation.query(
            f"SELECT day, dimension, segment, {numerator}, {denominator} FROM kpi.daily "
            "JOIN kpi.days USING (kpi, day) WHERE kpi = ? AND state = 'complete'",
            [key],
        )
        return keyed(rows)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with simulate(folder, seed=21, days=DAYS, orders_per_day=4) as simulation:
        last = simulation.shop.last_day
        seen = [last - timedelta(days=back) for back in range(LOOKED, -1, -1) if back not in UNSEEN]
        (variants,) = [one for one in simulation.pipeline.tables("shop") if one.name == "variants"]
        for day in seen:
            simulation.set_day(day)
            simulation.pipeline.extract("shop", variants, day, day)
        simulation.run()
        yield Watched(simulation, seen)


def oracle_of(watched: Watched) -> Oracle:
    made = watched.simulation
    return Oracle(made.shop, made.costs, made.world.now(), snapshot_days=watched.seen)


@pytest.mark.parametrize("key", STOCK)
def test_each_day_that_was_seen_is_as_the_oracle_says(watched: Watched, key: str) -> None:
    found = watched.stored(key, "numerator", "denominator")
    wanted = oracle_of(watched).compute(key)
    assert {day for day, _, _ in found} == set(watched.seen)
    wrong = differences(kpis()[key], wanted, found)
    assert not wrong, f"{len(wrong)} differ, first: {wrong[:3]}"


@pytest.mark.parametrize("key", WINDOWS)
def test_coverage_counts_the_days_that_were_seen(watched: Watched, key: str) -> None:
    found = watched.stored(key, "covered", "coverable")
    wanted = oracle_of(watched).compute_coverage(key)
    assert found and found == {cut: wanted[cut] for cut in found}


def test_the_shop_has_what_the_definitions_tell_apart(watched: Watched) -> None:
    """Articles that ran out, that were oversold, and that were taken off sale, on days that were seen."""
    stock = [one for one in watched.simulation.shop.stock if one.day in watched.seen]
    assert any(one.on_hand == 0 and one.active for one in stock)
    assert any(one.on_hand < 0 for one in stock)
    assert any(not one.active for one in stock)
    assert any(one.received for one in stock)


def test_a_day_nobody_looked_is_missing_and_takes_its_week_but_no_later_day(watched: Watched) -> None:
    for back in UNSEEN:
        unseen = watched.value("stockout_rate", watched.last_day - timedelta(days=back))
        assert (unseen.value, unseen.state, unseen.reason) == (None, State.MISSING, "shop: variants")
    assert watched.value("stockout_rate", watched.last_day - timedelta(days=10)).state is State.OK
    before = watched.seen[0] - timedelta(days=1)
    assert watched.value("stockout_rate", before).state is State.MISSING, "the past is never invented"
    weeks = {
        back: watched.value("stockout_rate", watched.last_day - timedelta(days=back), Period.WEEK)
        for back in (0, 7)
    }
    assert weeks[0].state is State.OK and weeks[7].state is State.MISSING


@pytest.mark.parametrize("key", WINDOWS)
def test_a_window_is_withheld_until_stock_was_read_for_four_weeks(watched: Watched, key: str) -> None:
    states = {}
    for day in watched.seen:
        days = watched.read_before(day, kpis()[key].window or 0)
        found = watched.value(key, day)
        states[found.state] = day
        assert found.state is (State.OK if days >= NEEDED else State.LOW_COVERAGE), (day, days)
        assert found.coverage == Decimal(min(days, 28)) / 28
    assert set(states) == {State.OK, State.LOW_COVERAGE}


def test_sell_through_needs_the_closing_stock_only(watched: Watched) -> None:
    assert {watched.value("sell_through_rate", day).state for day in watched.seen} == {State.OK}


def test_opening_stock_and_receipts_are_what_was_sold_and_what_is_left(watched: Watched) -> None:
    """The identity the denominator rests on, checked on the shelves' own books: returns count as received."""
    shop, last = watched.simulation.shop, watched.last_day
    first = last - timedelta(days=27)
    sold = watched.simulation.query(
        "SELECT product_id, SUM(units) FROM model.product_sales WHERE day BETWEEN ? AND ? GROUP BY ALL",
        [first, last],
    )
    units = {int(variant): int(count) for variant, count in sold}
    closing = {one.product.variant_id: one.on_hand for one in shop.stock if one.day == last}
    opening = {
        one.product.variant_id: one.on_hand for one in shop.stock if one.day == first - timedelta(days=1)
    }
    received: dict[int, int] = {}
    for one in shop.stock:
        if first <= one.day <= last:
            received[one.product.variant_id] = received.get(one.product.variant_id, 0) + one.received
    assert len(closing) > 50
    back = {
        variant: units.get(variant, 0) + closing[variant] - opening[variant] - received[variant]
        for variant in opening
    }
    assert min(back.values()) >= 0, "what is left over came back: nothing vanishes"
    assert 0 < sum(back.values()) < sum(units.values()) / 5
