"""The catalogue's worked week, number by number, through vendors' APIs, warehouse and period values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, Value, read_period_values
from ecom_pipeline.sandbox.worked_week import worked_week_shop
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, simulate

MONDAY, SUNDAY = date(2026, 10, 19), date(2026, 10, 25)
DAYS = [MONDAY + timedelta(days=n) for n in range(7)]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    folder = tmp_path_factory.mktemp("week")
    with simulate(folder, seed=0, days=7, orders_per_day=1, shop=worked_week_shop()) as simulation:
        simulation.run()
        yield simulation


def read(week: Simulation, key: str, period: Period, last_day: date) -> dict[tuple[str, str], Value]:
    with open_warehouse(week.warehouse) as connection:
        values = read_period_values(connection, [kpis()[key]], period, [last_day])
    return {(value.dimension, value.segment): value.current for value in values}


def total(week: Simulation, key: str, period: Period = Period.WEEK, last_day: date = SUNDAY) -> Value:
    return read(week, key, period, last_day)["total", ""]


@pytest.mark.parametrize(
    ("key", "daily", "weekly"),
    [
        ("gross_merchandise_value", (70, 100, 30, 50, 90, 50, 50), 440),
        ("net_sales", (70, 90, 30, 50, 90, -40, 25), 315),
        ("orders", (1, 1, 2, 1, 1, 1, 1), 8),
        ("new_customers", (1, 1, 0, 1, 0, 1, 1), 5),
    ],
)
def test_flows(week: Simulation, key: str, daily: tuple[int, ...], weekly: int) -> None:
    assert tuple(total(week, key, Period.DAY, day).value for day in DAYS) == daily
    assert total(week, key).value == weekly


@pytest.mark.parametrize(
    ("part", "daily"),
    [
        ("gross", (70, 100, 30, 50, 90, 50, 50)),
        ("discounts", (0, 10, 0, 0, 0, 0, 0)),
        ("returns", (0, 0, 0, 0, 0, 90, 25)),
        ("net", (70, 90, 30, 50, 90, -40, 25)),
        ("cost", (28, 40, 8, 20, 36, 20 - 36, 20 - 8)),
        ("shipping_income", (4, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_parts(week: Simulation, part: str, daily: tuple[int, ...]) -> None:
    rows = dict(week.query(f"SELECT day, SUM({part}) FROM model.daily_sales GROUP BY day"))
    assert tuple(rows[day] for day in DAYS) == daily


@pytest.mark.parametrize(
    ("key", "numerator", "denominator"),
    [
        ("average_order_value", 430, 8),
        ("units_per_order", 12, 8),
        ("discount_rate", 10, 440),
        ("gross_margin_rate", 177, 305),
        ("repeat_purchase_rate", 1, 5),
    ],
)
def test_ratios(week: Simulation, key: str, numerator: int, denominator: int) -> None:
    value = total(week, key)
    assert value.numerator == numerator
    assert value.denominator == denominator
    assert value.value == Decimal(numerator) / denominator


def test_the_margin_says_how_much_of_it_is_known(week: Simulation) -> None:
    value = total(week, "gross_margin_rate")
    assert value.value is not None
    assert value.coverage is not None
    assert round(value.value * 100, 2) == Decimal("58.03")
    assert round(value.coverage * 100, 1) == Decimal("97.7")


def test_a_margin_too_little_of_which_is_known_is_withheld(week: Simulation) -> None:
    with open_warehouse(week.warehouse) as connection:
        values = read_period_values(
            connection, [kpis()["gross_margin_rate"]], Period.WEEK, [SUNDAY], Decimal("0.98")
        )
    assert (values[0].current.value, values[0].current.state) == (None, State.LOW_COVERAGE)
    wednesday = total(week, "gross_margin_rate", Period.DAY, DAYS[2])
    assert (wednesday.value, wednesday.state) == (
        None,
        State.LOW_COVERAGE,
    )  # C is a third of that day's gross


def test_the_order_of_the_hour_that_came_twice_is_sundays(week: Simulation) -> None:
    by_country = read(week, "orders", Period.DAY, SUNDAY)
    assert by_country["country", "BE"].value == 1


def test_dollars_are_converted_at_fridays_rate(week: Simulation) -> None:
    by_country = read(week, "gross_merchandise_value", Period.DAY, DAYS[5])
    assert by_country["country", "US"].value == 50


def test_the_week_equals_the_oracle(week: Simulation) -> None:
    oracle = week.oracle()
    for key in ("orders", "net_sales", "gross_margin_rate", "new_customers", "repeat_purchase_rate"):
        wanted = oracle.compute_period(key, MONDAY, SUNDAY)
        found = read(week, key, Period.WEEK, SUNDAY)
        assert {cut: found[cut].numerator for cut in wanted if wanted[cut][0]} == {
            cut: pair[0] for cut, pair in wanted.items() if pair[0]
        }
