"""Predicted lifetime value in the warehouse: what was foretold came true, and the young are told to wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.commands.explanation import explain_kpi
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, read_period_values
from ecom_pipeline.warehouse.connection import open_warehouse

from ..simulation import Simulation, simulate

KEY = "predicted_lifetime_value"
DAYS = 640
COLUMNS = "day, dimension, segment, customers, expected, low, high, foretold, happened"


@pytest.fixture(scope="module")
def old_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(tmp_path_factory.mktemp("old"), seed=17, days=DAYS, orders_per_day=9) as simulation:
        simulation.run()
        yield simulation


def rows(simulation: Simulation, where: str = "TRUE") -> list[tuple[object, ...]]:
    return simulation.query(f"SELECT {COLUMNS} FROM model.predicted_value WHERE {where} ORDER BY 1, 2, 3")


def test_what_was_foretold_half_a_year_ago_came_true(old_shop: Simulation) -> None:
    """Simulated buyers follow the model; seasons and a broken checkout do not: within a fifth."""
    (foretold, happened), *_ = old_shop.query(
        f"SELECT foretold, happened FROM model.predicted_value WHERE dimension = 'total' "
        f"AND day = DATE '{old_shop.shop.last_day}'"
    )
    assert happened > 100
    assert abs(float(foretold) / happened - 1) < 0.2


def test_happened_is_what_the_shop_saw(old_shop: Simulation) -> None:
    """Counted from the shop's own events: days with a purchase by those who were customers half a year before."""
    last = old_shop.shop.last_day  # a Sunday
    then = last - timedelta(days=182)
    oracle = old_shop.oracle()
    bought: dict[str, set[date]] = {}
    for known in oracle._books.valid_orders:
        if known.email and not known.cancelled:
            bought.setdefault(known.email, set()).add(known.day)
    wanted = sum(sum(then < day <= last for day in days) for days in bought.values() if min(days) <= then)
    (found,) = old_shop.query(
        f"SELECT happened, customers FROM model.predicted_value WHERE dimension = 'total' AND day = DATE '{last}'"
    )
    assert found == (wanted, sum(min(days) <= last for days in bought.values()))


def test_the_interval_holds_the_value_and_channels_add_up(old_shop: Simulation) -> None:
    day = f"day = DATE '{old_shop.shop.last_day}'"
    total = rows(old_shop, f"{day} AND dimension = 'total'")
    channels = rows(old_shop, f"{day} AND dimension = 'channel'")
    assert len(total) == 1 and len(channels) > 3
    for row in (*total, *channels):
        _, _, _, customers, expected, low, high, _, _ = row
        assert Decimal(0) < low < expected < high and customers > 0  # type: ignore[operator]
    assert abs(sum(row[4] for row in channels) - total[0][4]) < Decimal("0.2")  # type: ignore[operator, misc]
    assert sum(row[3] for row in channels) == total[0][3]  # type: ignore[misc]


def test_the_kpi_is_the_mean_over_customers(old_shop: Simulation) -> None:
    with open_warehouse(old_shop.warehouse) as connection:
        values = read_period_values(connection, [kpis()[KEY]], Period.WEEK, [old_shop.shop.last_day])
    (value,) = [one.current for one in values if one.dimension == "total"]
    (row,) = rows(old_shop, f"day = DATE '{old_shop.shop.last_day}' AND dimension = 'total'")
    assert value.state is State.OK and value.value is not None
    assert value.value == row[4] / row[3]  # type: ignore[operator]


def test_the_forecast_and_its_error_hold_for_the_week_that_begins(old_shop: Simulation) -> None:
    """A month ends on any day: it is told by the newest Sunday's, not called undefined."""
    asked = [kpis()[KEY], kpis()["prediction_error"]]
    days = [old_shop.shop.last_day - timedelta(days=back) for back in range(8)]
    with open_warehouse(old_shop.warehouse) as connection:
        found = {
            (one.kpi, one.last_day): one.current
            for one in read_period_values(connection, asked, Period.DAY, days)
            if one.dimension == "total"
        }
    for kpi in asked:
        values = [found[kpi.key, day].value for day in days]
        assert None not in values, kpi.key
        assert len(set(values[1:])) == 1 and values[0] != values[1], kpi.key


def test_a_shop_too_young_is_told_so(old_shop: Simulation) -> None:
    first = old_shop.shop.first_day
    (first_told,) = old_shop.query("SELECT MIN(day) FROM model.predicted_value")
    assert first_told[0] >= first + timedelta(days=364)
    states = old_shop.query(
        "SELECT day, state, reason FROM kpi.days WHERE kpi = ? AND day < ? ORDER BY day",
        [KEY, first + timedelta(days=364)],
    )
    assert {(state, reason) for _, state, reason in states} == {("no_history", "the history is too short")}
    with open_warehouse(old_shop.warehouse) as connection:
        sunday = first + timedelta(days=200)
        sunday -= timedelta(days=sunday.isoweekday() % 7)
        values = read_period_values(connection, [kpis()[KEY]], Period.WEEK, [sunday])
    assert {(value.current.state, value.current.reason) for value in values} == {
        (State.NO_HISTORY, "the history is too short")
    }


def test_daily_runs_and_a_backfill_agree_and_again_changes_nothing(
    old_shop: Simulation, tmp_path: Path
) -> None:
    """The last days built one by one give what building all at once gave."""
    last = old_shop.shop.last_day
    before = rows(old_shop)
    for back in range(9, -1, -1):
        day = last - timedelta(days=back)
        old_shop.pipeline.compute(day, day, ["model.predicted_value", f"kpi.{KEY}"])
    assert rows(old_shop) == before


def test_a_late_cancellation_rebuilds_the_weeks_it_touches(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=17, days=420, orders_per_day=6) as simulation:
        last = simulation.shop.last_day
        simulation.set_day(last - timedelta(days=10))
        simulation.run(simulation.shop.first_day, last - timedelta(days=10))
        simulation.set_day(last)
        simulation.run(last - timedelta(days=9), last)
        daily = rows(simulation)
        with open_warehouse(simulation.warehouse) as connection:
            connection.execute("DELETE FROM ops.built WHERE node = 'model.predicted_value'")
        simulation.compute()
        assert daily and rows(simulation) == daily


def test_explain_shows_the_interval_and_the_back_test(old_shop: Simulation) -> None:
    old_shop.pipeline.publish()
    explanation = explain_kpi(old_shop.pipeline, kpis()[KEY])
    (row,) = rows(old_shop, f"day = DATE '{old_shop.shop.last_day}' AND dimension = 'total'")
    assert explanation.estimate is not None
    assert explanation.estimate.foretold == row[7] and explanation.estimate.happened == row[8]
    value = explanation.days[0].current.value
    assert value is not None and explanation.estimate.low < value < explanation.estimate.high
    assert explain_kpi(old_shop.pipeline, kpis()["lifetime_value"]).estimate is None
