"""Every KPI equals what the sandbox's independent oracle says, to the cent and to the last unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, PeriodValue, State, read_period_values

from .built_shop import ESTIMATED, JUDGED, RECIPES, ZERO, BuiltShop, differences, keyed

Built = Callable[[str], BuiltShop]
ALL = [(shop, key) for shop in RECIPES for key in JUDGED]
ROLLING = {Period.ROLLING_7: 2, Period.ROLLING_28: 2, Period.ROLLING_365: 1}


def test_the_oracle_judges_every_kpi(built: Built) -> None:
    assert sorted(built("ten weeks").oracle.kpis()) == JUDGED


@pytest.mark.parametrize(("shop", "key"), ALL)
def test_every_day_and_segment(built: Built, shop: str, key: str) -> None:
    made, kpi = built(shop), kpis()[key]
    assert made.complete_days(key) == set(made.days_read(kpi))
    told = set(made.days_read(kpi))
    wanted = {
        cut: pair for cut, pair in made.oracle.compute(key).items() if cut[0] in told or not kpi.young_until
    }
    wrong = differences(kpi, wanted, made.figures(key))
    assert not wrong, f"{len(wrong)} differ, first: {wrong[:3]}"


@pytest.mark.parametrize("shop", RECIPES)
def test_every_likely_range(built: Built, shop: str) -> None:
    made = built(shop)
    rows = made.connection.execute(
        "SELECT kpi, day, dimension, segment, low, high FROM kpi.daily WHERE low IS NOT NULL OR high IS NOT NULL"
    ).fetchall()
    judged = {key for key, *_ in rows} - ESTIMATED
    assert judged == {key for key in JUDGED if made.oracle.compute_interval(key)} != set()
    for key in judged:
        found = keyed([row[1:] for row in rows if row[0] == key])
        assert not differences(kpis()[key], made.oracle.compute_interval(key), found)


@pytest.mark.parametrize(("shop", "key"), ALL)
def test_every_week_and_segment(built: Built, shop: str, key: str) -> None:
    made = built(shop)
    sundays = [day for day in made.days() if day.weekday() == 6 and day - timedelta(days=6) >= made.first_day]
    assert compare_periods(made, key, Period.WEEK, sundays) > 0


@pytest.mark.parametrize(("shop", "key"), ALL)
def test_every_month_and_segment(built: Built, shop: str, key: str) -> None:
    made = built(shop)
    ends = [day for day in made.days() if (day + timedelta(days=1)).day == 1]
    whole = [day for day in ends if day.replace(day=1) >= made.first_day]
    assert len(whole) >= (1 if shop == "ten weeks" else 12)
    assert compare_periods(made, key, Period.MONTH, whole) >= len(whole)


@pytest.mark.parametrize("period", ROLLING)
@pytest.mark.parametrize(("shop", "key"), [one for one in ALL if one[0] != "ten weeks"])
def test_rolling_periods(built: Built, shop: str, key: str, period: Period) -> None:
    made = built(shop)
    last_days = [made.last_day - timedelta(days=40 * n) for n in range(ROLLING[period])]
    assert compare_periods(made, key, period, last_days) > 0


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
        young_until = made.first_day + timedelta(days=kpis()[key].young_until)
        wanted = made.oracle.compute_period(key, *bounds)
        segments = {(value.dimension, value.segment): value.current for value in found}
        for cut in wanted.keys() | segments.keys():
            numerator, denominator = wanted.get(cut, (ZERO, ZERO))
            current = segments.get(cut)
            where = (key, bounds, cut, wanted.get(cut), current)
            if current is None:
                assert not numerator or bounds[1] < young_until, where
                assert not denominator or bounds[1] < young_until, where
                continue
            if current.state is State.NO_HISTORY:
                assert bounds[1] < young_until, where
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


@pytest.mark.parametrize("key", ["gross_margin_rate", "lifetime_value", "cac_payback_days"])
@pytest.mark.parametrize("shop", RECIPES)
def test_coverage_of_what_rests_on_costs(built: Built, shop: str, key: str) -> None:
    made = built(shop)
    rows = made.connection.execute(
        "SELECT day, dimension, segment, covered, coverable FROM kpi.daily WHERE kpi = ?", [key]
    ).fetchall()
    found = {(day, dimension, segment): (known, whole) for day, dimension, segment, known, whole in rows}
    wanted = made.oracle.compute_coverage(key)
    wrong = differences(kpis()[key], wanted, found)
    assert not wrong, wrong[:3]
    if shop == "two years":
        assert any(known < whole for known, whole in found.values()), "some cost is not known"


@pytest.mark.parametrize("shop", RECIPES)
def test_freshness_of_a_history_read_at_once(built: Built, shop: str) -> None:
    """Of every day, week, month and source: all were read when they were first connected, so all are on time."""
    made = built(shop)
    one, all_ = Decimal(1), Decimal(len(made.sources))
    by_day = {(day, "total", ""): (all_, all_) for day in made.days()}
    by_source = {(day, "source", name): (one, one) for day in made.days() for name in made.sources}
    assert made.figures("data_freshness") == by_day | by_source
    for period, count in ((Period.WEEK, 7), (Period.MONTH, 31)):
        ends = [date(2026, 4, 5) if shop == "two years" else date(2026, 11, 8)]
        if period is Period.MONTH:
            ends = [date(2026, 3, 31) if shop == "two years" else date(2026, 10, 31)]
        found = read_period_values(made.connection, [kpis()["data_freshness"]], period, ends)
        assert {(value.dimension, value.segment) for value in found} == {
            ("total", ""), *(("source", name) for name in made.sources)
        }  # fmt: skip
        for value in found:
            whole = count * (all_ if value.dimension == "total" else one)
            assert (value.current.numerator, value.current.denominator) == (whole, whole)


def test_what_the_oracle_does_not_judge_is_judged_elsewhere() -> None:
    """What is fitted has its own truth (test_predicted_value.py); freshness is about the run, not about the shop."""
    assert set(kpis()) - set(JUDGED) == ESTIMATED | {"data_freshness"}
    assert sorted(ESTIMATED) == ["predicted_lifetime_value", "prediction_error"]
