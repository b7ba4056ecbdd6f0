"""What is usual: in quiet years seldom left, left at once when something breaks."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import exp, log

import numpy as np
import pytest

from ecom_pipeline.insights.bands import CLOSE, FAR, MONTHLY, YOUNG, compute_band
from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle import Oracle

from ..quiet_years import _tellings, false_alarms, false_alerts_a_month, false_signals_a_month
from ..sandbox.oracle_shop import paris

SUNDAY = date(2026, 11, 22)
SHOPS = (1, 2, 3)  # whose incidents must be found, every one
MOBILE_BROKEN, CLICKS_DEAR = date(2026, 11, 5), date(2026, 11, 9)  # a Thursday: four days must do; a Monday


def test_a_young_shop_is_judged_by_its_middle_which_one_mad_week_does_not_move() -> None:
    band = compute_band([Decimal(one) for one in (98, 99, 100, 101, 102, 100, 99, 101, 5000)])
    assert band is not None
    deviation = 1.4826 * log(100 / 99)
    edges = [100 * exp(side * float(CLOSE) * YOUNG * deviation) for side in (-1, 0, 1)]
    assert [float(edge) for edge in (band.low, band.middle, band.high)] == pytest.approx(edges)


def test_a_flat_series_does_not_alarm_over_a_cent() -> None:
    for weeks in (10, 60, 104):
        band = compute_band([Decimal(50)] * weeks)
        assert band is not None and band.low < Decimal("49.99") < Decimal(50) < band.high < Decimal(54)


def test_bills_by_the_month_do_not_alarm_whenever_a_month_begins() -> None:
    """Three weeks in four are as the week before; that says nothing of how far a new month may go."""
    chance, alarms, judged = np.random.default_rng(9), 0, 0
    for _ in range(20):
        days = np.repeat(100 * np.exp(chance.normal(0, 0.04, 14)), 30)
        weeks = [Decimal(repr(float(week.sum()))) for week in days.reshape(60, 7)]
        for end in range(30, 60):
            band = compute_band(weeks[:end], width=FAR)
            assert band is not None
            alarms += weeks[end] > band.high
            judged += 1
        band = compute_band(weeks[:-1], width=FAR)
        assert band is not None and weeks[-1] * Decimal("1.5") > band.high, "a leap is news all the same"
    assert alarms / judged < 0.01


def test_what_was_always_zero_has_no_width() -> None:
    band = compute_band([Decimal(0)] * 40, minimum=Decimal(0))
    assert band is not None and band.low == band.high == band.scale == 0


def test_the_band_stays_within_what_is_possible_and_needs_eight_weeks() -> None:
    weeks = [Decimal(one) / 100 for one in (0, 1, 9, 0, 1, 9, 0, 1)]
    band = compute_band(weeks, minimum=Decimal(0), maximum=Decimal("0.02"))
    assert band is not None and (band.low, band.high) == (Decimal(0), Decimal("0.02"))
    assert compute_band([*weeks[:7], None]) is None


def test_a_slump_that_comes_every_year_is_news_only_once() -> None:
    chance = np.random.default_rng(5)
    weeks = [
        Decimal(round((6000 if index % 52 >= 48 else 10_000) * exp(chance.normal(0, 0.02))))
        for index in range(110)
    ]
    first, second = compute_band(weeks[:48]), compute_band(weeks[:100])
    assert first is not None and second is not None
    assert weeks[48] < first.low
    assert second.low <= weeks[100]
    assert weeks[100] * Decimal("0.8") < second.low, "a slump that is deeper is news again"


def test_growth_is_no_news_and_its_end_is() -> None:
    chance = np.random.default_rng(6)
    weeks = [Decimal(round(10_000 * exp(0.02 * index + chance.normal(0, 0.01)))) for index in range(61)]
    band = compute_band(weeks[:-1])
    assert band is not None
    assert band.low <= weeks[-1] <= band.high
    assert weeks[-1] * Decimal("0.85") < band.low


def test_gaps_are_left_out() -> None:
    chance = np.random.default_rng(7)
    whole = [Decimal(round(1000 * exp(chance.normal(0, 0.03)))) for _ in range(70)]
    holed = [None if index in (20, 21, 69) else week for index, week in enumerate(whole)]
    band = compute_band(holed)
    assert band is not None and 950 < band.middle < 1050
    assert 800 < band.low < band.high < 1250


@pytest.mark.parametrize("known", [10, 30, 104])
def test_in_quiet_years_a_whole_report_errs_at_most_once_a_month(known: int) -> None:
    close, far = false_alarms(2, known, 300)
    assert false_signals_a_month(close, far) <= 1
    assert close > 0, "a band that is never left finds nothing"


def test_months_are_judged_by_months() -> None:
    chance = np.random.default_rng(8)
    months = [
        Decimal(round((14_000 if index % 12 == 11 else 10_000) * exp(chance.normal(0, 0.02))))
        for index in range(37)
    ]
    assert compute_band(months[:7], cadence=MONTHLY) is None
    christmas, after = (compute_band(months[:known], cadence=MONTHLY) for known in (35, 36))
    assert christmas is not None and after is not None
    assert christmas.low < 10_000 and christmas.high > months[35], "it was as good a year before"
    assert months[36] >= after.low
    assert months[36] * Decimal("0.85") < after.low


@pytest.mark.parametrize("known", [8, 12, 24])
def test_in_quiet_years_a_monthly_report_errs_at_most_once_a_month(known: int) -> None:
    close, far = false_alarms(2, known, 300, MONTHLY)
    assert false_signals_a_month(close, far, readings=1) <= 1
    assert close > 0, "a band that is never left finds nothing"


def test_in_quiet_years_the_daily_alerts_err_at_most_once_a_month() -> None:
    assert false_alerts_a_month(2, 30, 25) <= 1


def test_what_lasts_is_told_on_the_second_day_and_again_after_a_week() -> None:
    quiet = [False] * 8
    assert _tellings([*quiet, True, False, True, False]) == 0
    assert _tellings([*quiet, True, True, *quiet]) == 1
    assert _tellings([*quiet, *[True] * 8]) == 1
    assert _tellings([*quiet, *[True] * 9]) == 2


def test_a_month_that_sold_a_fifth_less_is_found_mostly() -> None:
    close, far = false_alarms(3, 24, 60, MONTHLY, fall=0.2)
    assert close > far > 0.5


@pytest.fixture(scope="module", params=SHOPS)
def broken_shop(request: pytest.FixtureRequest) -> Oracle:
    shop = generate_shop(request.param, SUNDAY - timedelta(days=419), SUNDAY, orders_per_day=100)
    assert {MOBILE_BROKEN, CLICKS_DEAR} <= {incident.first_day for incident in shop.incidents}
    return Oracle(shop, shop_costs(100), paris("2026-11-23 06:00"))


@pytest.mark.parametrize(
    ("kpi", "began"), [("checkout_abandonment_rate", MOBILE_BROKEN), ("cost_per_click", CLICKS_DEAR)]
)
def test_the_first_report_after_an_incident_finds_it(kpi: str, began: date, broken_shop: Oracle) -> None:
    weeks = _weeks(broken_shop, kpi, began + timedelta(days=7 - began.isoweekday()))
    for end, is_found in ((len(weeks) - 1, True), (len(weeks) - 2, False)):
        band, week = compute_band(weeks[:end], width=FAR), weeks[end]
        assert band is not None and week is not None
        assert (week > band.high) is is_found


def test_conversion_is_found_in_the_first_week_that_is_broken_throughout(broken_shop: Oracle) -> None:
    weeks = _weeks(broken_shop, "conversion_rate", date(2026, 11, 15))
    band = compute_band(weeks[:-1], width=CLOSE)
    assert band is not None and weeks[-1] is not None and weeks[-1] < band.low


def _weeks(oracle: Oracle, kpi: str, last_day: date) -> list[Decimal | None]:
    """The KPI's weeks as the report reads them, from the oracle's days."""
    days = {day: sums for (day, dimension, _), sums in oracle.compute(kpi).items() if dimension == "total"}
    found: list[Decimal | None] = []
    end = min(days) + timedelta(days=6)
    while end <= last_day:
        week = [days[end - timedelta(days=back)] for back in range(7) if end - timedelta(days=back) in days]
        below = sum((one[1] or Decimal(0) for one in week), Decimal(0))
        found.append(sum((one[0] for one in week), Decimal(0)) / below if below else None)
        end += timedelta(weeks=1)
    return found
