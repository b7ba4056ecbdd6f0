"""Not measured is not zero: what failed shows as missing with its reason, and is made good when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, Value, read_period_values
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import MonthlyCost
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, dump_tables, simulate

DAYS = 42
ALL_BUT_SHOP = ("stripe", "analytics", "ads", "bank", "rates", "search")


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Six weeks in which the shop could not be read for one."""
    with simulate(tmp_path_factory.mktemp("outage"), seed=13, days=DAYS, orders_per_day=5) as simulation:
        simulation.extract(sources=ALL_BUT_SHOP)
        first, last = gap(simulation)
        simulation.extract(simulation.shop.first_day, first - timedelta(days=1), ["shop"])
        # The days after it came by a backfill that left the newest day out: that one would have filled it.
        eve = simulation.shop.last_day - timedelta(days=1)
        simulation.extract(last + timedelta(days=1), eve, ["shop"])
        simulation.extract(simulation.shop.last_day, simulation.shop.last_day, ["shop"])
        simulation.compute()
        yield simulation


def gap(simulation: Simulation) -> tuple[date, date]:
    first = simulation.shop.first_day + timedelta(days=14)
    return first, first + timedelta(days=6)


def value(simulation: Simulation, key: str, period: Period, day: date, coverage: str = "0.9") -> Value:
    with open_warehouse(simulation.warehouse) as connection:
        values = read_period_values(connection, [kpis()[key]], period, [day], Decimal(coverage))
    return values[0].current


def test_days_that_were_not_read_are_missing_and_say_why(outage: Simulation) -> None:
    first, last = gap(outage)
    for key in ("orders", "net_sales", "contribution_margin"):
        found = value(outage, key, Period.DAY, first)
        assert (found.value, found.state) == (None, State.MISSING), key
        assert found.reason is not None
        assert "shop: orders" in found.reason
        assert value(outage, key, Period.DAY, last + timedelta(days=1)).state is State.OK, key
    assert value(outage, "orders", Period.WEEK, last).state is State.MISSING
    assert value(outage, "orders", Period.ROLLING_28, last + timedelta(days=9)).state is State.MISSING


def test_a_window_that_reaches_over_days_that_were_not_read_is_missing(outage: Simulation) -> None:
    first, last = gap(outage)
    for key, reach in (("returning_customer_rate", 28), ("repeat_purchase_rate", 365)):
        assert value(outage, key, Period.DAY, first - timedelta(days=1)).state is State.OK, key
        for day in (first, last, last + timedelta(days=1), outage.shop.last_day):
            expected = State.MISSING if day - timedelta(days=reach) < last else State.OK
            assert value(outage, key, Period.DAY, day).state is expected, (key, day)
    assert value(outage, "cash_balance", Period.DAY, last + timedelta(days=1)).state is State.OK


def test_what_does_not_rest_on_the_failed_source_is_shown(outage: Simulation) -> None:
    for key in ("sessions", "ad_spend", "cash_balance", "payment_fee_rate", "average_position"):
        assert value(outage, key, Period.DAY, gap(outage)[0]).state is State.OK, key


def test_freshness_names_the_source(outage: Simulation) -> None:
    rows = outage.query(
        "SELECT segment, numerator FROM kpi.daily WHERE kpi = 'data_freshness' AND day = ? AND dimension = 'source'",
        [gap(outage)[0]],
    )
    assert dict(rows) == {name: 0 if name == "shop" else 1 for name in (*ALL_BUT_SHOP, "shop")}


def test_filled_later_it_equals_a_shop_that_never_failed(
    outage: Simulation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Refunds, fees and customers of the missing week, spread over later days, find their orders again."""
    first, last = gap(outage)
    outage.extract(first, last, ["shop"])
    outage.compute(first, last)
    assert value(outage, "orders", Period.DAY, first).state is State.OK
    days = outage.query(
        "SELECT DISTINCT day FROM kpi.restatements WHERE kpi = 'orders' AND day BETWEEN ? AND ?",
        [first, last],
    )
    assert days == [], "what was missing is not restated when it comes"
    with simulate(tmp_path_factory.mktemp("whole"), seed=13, days=DAYS, orders_per_day=5) as whole:
        whole.run()
        with open_warehouse(whole.warehouse) as connection:
            wanted = dump_tables(connection, ("mapped", "model", "kpi"))
    with open_warehouse(outage.warehouse) as connection:
        found = dump_tables(connection, ("mapped", "model", "kpi"))
    for name in wanted.keys() - {"kpi.restatements"}:
        assert found[name] == wanted[name], name


def test_a_flow_without_a_row_on_a_read_day_is_zero(outage: Simulation) -> None:
    days = [outage.shop.first_day + timedelta(days=n) for n in range(DAYS)]
    with_rows = {day for (day,) in outage.query("SELECT day FROM kpi.daily WHERE kpi = 'payout_gap'")}
    silent = next(day for day in days if day not in with_rows)
    found = value(outage, "payout_gap", Period.DAY, silent)
    assert found.value == 0
    assert found.state is State.OK


def test_a_kpi_whose_file_is_gone_leaves_no_days(outage: Simulation) -> None:
    with open_warehouse(outage.warehouse) as connection:
        connection.execute(
            "INSERT INTO kpi.days SELECT 'gone', day, state, reason FROM kpi.days WHERE kpi = 'orders'"
        )
    outage.compute()
    assert outage.query("SELECT DISTINCT kpi FROM kpi.days WHERE kpi IN ('gone', 'orders')") == [("orders",)]


def test_what_is_too_young_is_not_shown(outage: Simulation) -> None:
    last = outage.shop.last_day
    assert value(outage, "return_rate", Period.DAY, last).state is State.IMMATURE
    assert value(outage, "return_rate", Period.DAY, last - timedelta(days=30)).state is State.OK
    rolling = value(outage, "return_rate", Period.ROLLING_28, last - timedelta(days=10))
    assert rolling.state is State.OK
    assert rolling.days_provisional == 20
    assert value(outage, "checkout_abandonment_rate", Period.DAY, last).state is State.IMMATURE


def test_days_before_the_history_are_no_history(outage: Simulation) -> None:
    before = outage.shop.first_day - timedelta(days=1)
    assert value(outage, "orders", Period.DAY, before).state is State.NO_HISTORY
    assert value(outage, "orders", Period.ROLLING_365, outage.shop.last_day).state is State.NO_HISTORY


def test_a_margin_is_withheld_when_too_little_is_known(outage: Simulation) -> None:
    day = outage.shop.last_day
    known = value(outage, "gross_margin_rate", Period.WEEK, day, "0")
    assert known.coverage is not None
    assert 0 < known.coverage < 1
    just_above = str(known.coverage + Decimal("0.0001"))
    withheld = value(outage, "gross_margin_rate", Period.WEEK, day, just_above)
    assert (withheld.value, withheld.state) == (None, State.LOW_COVERAGE)


def configured(simulation: Simulation, **changes: Any) -> Pipeline:
    settings = simulation.pipeline.settings.model_copy(update=changes)
    return Pipeline(settings, clock=simulation.world.now)


def test_a_changed_cost_restates_from_its_day_on(outage: Simulation) -> None:
    first, last = outage.shop.first_day, outage.shop.last_day
    since = last - timedelta(days=9)
    costs = outage.pipeline.settings.costs
    rent = MonthlyCost(name="Entrepôt", monthly=Decimal(300), first_day=since)
    before = outage.query("SELECT COUNT(*) FROM kpi.restatements")[0][0]
    changed = configured(outage, costs=costs.model_copy(update={"fixed": (*costs.fixed, rent)}))
    outage.set_now(outage.world.now() + timedelta(hours=1))
    changed.compute(last, last)
    rows = outage.query(
        "SELECT kpi, day, numerator_after - numerator_before FROM kpi.restatements WHERE changed_at >= ?",
        [outage.world.now().replace(tzinfo=None)],
    )
    assert {(key, day) for key, day, _ in rows} == {
        ("net_margin_rate", since + timedelta(days=n)) for n in range(10)
    }
    assert {difference for *_, difference in rows} == {Decimal("-10.0000")}
    outage.pipeline.compute(first, last)  # back again
    assert outage.query("SELECT COUNT(*) FROM kpi.restatements")[0][0] == before + 2 * len(rows)


def test_a_source_taken_out_takes_its_rows_with_it_and_comes_back(outage: Simulation) -> None:
    last = outage.shop.last_day
    schemas = ("mapped", "model", "kpi")

    def dump() -> dict[str, list[tuple[Any, ...]]]:
        with open_warehouse(outage.warehouse) as connection:
            return {
                name: rows for name, rows in dump_tables(connection, schemas).items() if "restate" not in name
            }

    before = dump()
    remaining = {name: one for name, one in outage.pipeline.settings.sources.items() if name != "ads"}
    configured(outage, sources=remaining).compute(last, last)
    assert outage.query("SELECT COUNT(*) FROM mapped.ad_performance") == [(0,)]
    assert outage.query("SELECT COUNT(*) FROM model.ad_performance") == [(0,)]
    found = value(outage, "ad_spend", Period.DAY, last)
    assert (found.state, found.reason) == (State.MISSING, "no source feeds ad_performance")
    assert value(outage, "orders", Period.DAY, last).state is State.OK
    outage.pipeline.compute(last, last)
    assert dump() == before
