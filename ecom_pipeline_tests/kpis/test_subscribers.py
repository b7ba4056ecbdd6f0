"""Subscribers read on two mornings: both days are known as the oracle says, and nothing between them is made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, read_period_values
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, reading, simulate
from .built_shop import differences, keyed

KEYS = ("sms_subscribers", "sms_sign_ups", "sms_opt_outs", "push_opt_ins")
BETWEEN = 4  # days nobody looked


@pytest.fixture(scope="module")
def looked_twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    folder = tmp_path_factory.mktemp("looked_twice")
    business = reading("crm", "push")
    with simulate(folder, seed=21, days=42, orders_per_day=20, business=business) as simulation:
        for day in seen(simulation):
            simulation.set_day(day)
            simulation.extract(simulation.shop.first_day, day, ["crm", "push"])
            simulation.compute(simulation.shop.first_day, day)
        yield simulation


def seen(simulation: Simulation) -> list[date]:
    last = simulation.shop.last_day
    return [last - timedelta(days=BETWEEN + 1), last]


@pytest.mark.parametrize("key", KEYS)
def test_both_days_are_known_and_no_other(looked_twice: Simulation, key: str) -> None:
    days = seen(looked_twice)
    rows = looked_twice.query(
        "SELECT day, dimension, segment, numerator, denominator FROM kpi.daily WHERE kpi = ?", [key]
    )
    oracle = Oracle(looked_twice.shop, looked_twice.costs, looked_twice.world.now(), snapshot_days=days)
    found = keyed(rows)
    assert not differences(kpis()[key], oracle.compute(key), found)
    assert {day for day, _, _ in found} == set(days)
    states = looked_twice.query("SELECT day FROM kpi.days WHERE kpi = ? AND state = 'complete'", [key])
    assert {day for (day,) in states} == set(days)


def test_people_came_and_went_between(looked_twice: Simulation) -> None:
    before, after = (
        looked_twice.query(
            "SELECT subscribed FROM mapped.subscribers WHERE day = ? AND medium = 'sms'", [day]
        )
        for day in seen(looked_twice)
    )
    assert before != after


@pytest.mark.parametrize("key", KEYS)
def test_a_day_nobody_looked_is_missing_with_its_reason(looked_twice: Simulation, key: str) -> None:
    source = "push: app" if key == "push_opt_ins" else "crm: consents"
    first, last = seen(looked_twice)
    with open_warehouse(looked_twice.warehouse) as connection:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            value = read_period_values(connection, [kpis()[key]], Period.DAY, [day])[0].current
            if day in (first, last):
                assert value.state is State.OK
            else:
                assert (value.value, value.state, value.reason) == (None, State.MISSING, source)
        week = read_period_values(connection, [kpis()[key]], Period.WEEK, [last])[0].current
    closes = kpis()[key].cuts_itself  # the week's last day tells a state; a sum needs every day
    assert week.state is (State.OK if closes else State.MISSING)


def test_of_a_tool_that_was_out_of_order_only_its_own_figures_are_missing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("one_failed")
    with simulate(folder, seed=21, days=14, orders_per_day=5, business=reading("crm", "push")) as simulation:
        simulation.extract(sources=["crm"])
        simulation.compute()
        complete = simulation.query(
            "SELECT kpi FROM kpi.days WHERE state = 'complete' AND day = ?", [simulation.shop.last_day]
        )
        known = {key for (key,) in complete}
        assert known >= {"sms_subscribers", "sms_sign_ups", "sms_opt_outs"} and "push_opt_ins" not in known
