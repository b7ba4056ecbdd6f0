"""Every KPI equals what the sandbox's independent oracle says, to the cent and to the last unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, PeriodValue, State, period_bounds, read_period_values

from .built_shop import JUDGED, RECIPES, ZERO, BuiltShop, differences

Built = Callable[[str], BuiltShop]
ALL = [(shop, key) for shop in RECIPES for key in JUDGED]
PERIODS = {Period.MONTH: 2, Period.ROLLING_28: 2, Period.ROLLING_365: 1}


def test_the_oracle_judges_every_kpi(built: Built) -> None:
    assert sorted(built("ten weeks").oracle.kpis()) == JUDGED


@pytest.mark.parametrize(("shop", "key"), ALL)
def test_every_day_and_segment(built: Built, shop: str, key: str) -> None:
    made, kpi = built(shop), kpis()[key]
    assert made.complete_days(key) == set(made.days_read(kpi))
    wrong = differences(kpi, made.oracle.compute(key), made.figures(key))
    assert not wrong, f"{len(wrong)} differ, first: {wrong[:3]}"


@pytest.mark.parametrize(("shop", "key"), ALL)
def test_every_week_and_segment(built: Built, shop: str, key: str) -> None:
    made = built(shop)
    sundays = [day for day in made.days() if day.weekday() == 6 and day - timedelta(days=6) >= made.first_day]
    assert compare_periods(made, key, Period.WEEK, sundays) > 0


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("key", JUDGED)
def test_longer_periods(built: Built, key: str, period: Period) -> None:
    made = built("fourteen months")
    last_days = [period_bounds(period, made.last_day - timedelta(days=40 * n))[1] for n in range(4)]
    within = [day for day in last_days if day <= made.last_day][: PERIODS[period]]
    assert compare_periods(made, key, period, within) > 0


def compare_periods(made: BuiltShop, key: str, period: Period, last_days: list[date]) -> int:
    """Compare current values with the oracle's; returns how many values were compared."""
    values = read_period_values(made.connection, [kpis()[key]], period, last_days, Decimal(0))
    by_period: dict[tuple[date, date], list[PeriodValue]] = {}
    for value in values:
        by_period.setdefault((value.first_day, value.last_day), []).append(value)
    for bounds, found in by_period.items():
        if not made.is_read(kpis()[key], *bounds):
            assert {value.current.state for value in found} == {State.MISSING}
            continue
        wanted = made.oracle.compute_period(key, *bounds)
        segments = {(value.dimension, value.segment): value.current for value in found}
        for cut in wanted.keys() | segments.keys():
            numerator, denominator = wanted.get(cut, (ZERO, ZERO))
            current = segments.get(cut)
            where = (key, bounds, cut, wanted.get(cut), current)
            if current is None:
                assert not numerator, where
                assert not denominator, where
                continue
            assert (current.numerator or ZERO, current.denominator or ZERO) == (
                numerator or ZERO,
                denominator or ZERO,
            ), where
            if current.state is State.OK:
                assert current.value == (numerator / denominator if denominator else numerator), where
            else:
                assert current.state in (State.UNDEFINED, State.IMMATURE), where
                assert not denominator, where
    return len(values)


@pytest.mark.parametrize("period", [Period.WEEK, Period.ROLLING_28])
@pytest.mark.parametrize("key", ["net_sales", "conversion_rate", "cash_balance", "repeat_purchase_rate"])
def test_comparisons_are_the_periods_before(built: Built, key: str, period: Period) -> None:
    made, kpi = built("fourteen months"), kpis()[key]
    length = timedelta(days=7 if period is Period.WEEK else 28)
    days = [made.last_day, made.last_day - length, made.last_day - timedelta(days=364)]
    now, before, year_before = (
        {
            (value.dimension, value.segment): value
            for value in read_period_values(made.connection, [kpi], period, [day])
        }
        for day in days
    )
    assert now
    for cut, value in now.items():
        if cut in before:
            assert value.previous == before[cut].current
        if cut in year_before:
            assert value.previous_year == year_before[cut].current
    assert now["total", ""].previous.state is State.OK
    assert now["total", ""].previous_year.state is State.OK


@pytest.mark.parametrize("shop", RECIPES)
def test_coverage_of_the_margin(built: Built, shop: str) -> None:
    made = built(shop)
    rows = made.connection.execute(
        "SELECT day, dimension, segment, covered, coverable FROM kpi.daily WHERE kpi = 'gross_margin_rate'"
    ).fetchall()
    found = {(day, dimension, segment): (known, whole) for day, dimension, segment, known, whole in rows}
    wanted = made.oracle.compute_coverage("gross_margin_rate")
    wrong = differences(kpis()["gross_margin_rate"], wanted, found)
    assert not wrong, wrong[:3]


@pytest.mark.parametrize("shop", RECIPES)
def test_freshness_of_a_history_read_at_once(built: Built, shop: str) -> None:
    made = built(shop)
    totals = {
        key[0]: pair for key, pair in made.figures("data_freshness").items() if key[1:] == ("total", "")
    }
    assert set(totals) == set(made.days())
    assert set(totals.values()) == {(Decimal(made.sources), Decimal(made.sources))}
