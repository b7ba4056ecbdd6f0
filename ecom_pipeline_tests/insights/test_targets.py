"""Targets by calendar period, prorated by day, and where a month will end; all by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.insights.targets import (
    Span,
    Target,
    compute_attainment,
    compute_progress,
    prorate,
    span_bounds,
    target_amount,
    target_value,
)
from ecom_pipeline.kpis.definition import kpis

MONTHLY = (Target(amounts={Span.MONTH: Decimal(3100)}),)


@pytest.mark.parametrize(
    ("span", "day", "first", "last"),
    [
        (Span.WEEK, date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (Span.MONTH, date(2028, 2, 10), date(2028, 2, 1), date(2028, 2, 29)),
        (Span.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        (Span.QUARTER, date(2026, 5, 31), date(2026, 4, 1), date(2026, 6, 30)),
        (Span.QUARTER, date(2026, 12, 1), date(2026, 10, 1), date(2026, 12, 31)),
        (Span.YEAR, date(2026, 7, 4), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_calendar_periods(span: Span, day: date, first: date, last: date) -> None:
    assert span_bounds(span, day) == (first, last)


def test_a_month_is_shared_by_its_own_days() -> None:
    # 28 to 31 January are 4 days of 31, 1 to 3 February 3 days of 28.
    week = target_amount(MONTHLY, date(2027, 1, 28), date(2027, 2, 3))
    assert week is not None and week * 28 == 400 * 28 + 3 * 3100
    assert target_amount(MONTHLY, date(2027, 2, 1), date(2027, 2, 28)) == 3100
    year = target_amount(MONTHLY, date(2026, 1, 1), date(2026, 12, 31))
    assert year == 12 * 3100, "nothing is lost by sharing"


def test_the_period_looked_at_counts_else_the_shortest() -> None:
    both = (Target(amounts={Span.YEAR: Decimal(36500), Span.MONTH: Decimal(3100)}),)
    assert target_amount(both, date(2026, 1, 1), date(2026, 1, 31)) == 3100
    assert target_amount(both, date(2026, 1, 1), date(2026, 12, 31)) == 36500
    assert target_amount(both, date(2026, 1, 5), date(2026, 1, 11)) == 700
    assert prorate(both, date(2026, 1, 1), date(2026, 1, 10), Span.YEAR) == 1000


def test_targets_change_and_a_day_without_one_leaves_none() -> None:
    changing = (
        Target(amounts={Span.MONTH: Decimal(300)}, last_day=date(2026, 6, 10)),
        Target(amounts={Span.MONTH: Decimal(600)}, first_day=date(2026, 6, 11), last_day=date(2026, 6, 30)),
    )
    assert target_amount(changing, date(2026, 6, 8), date(2026, 6, 14)) == 3 * 10 + 4 * 20
    assert target_amount(changing, date(2026, 6, 29), date(2026, 7, 5)) is None
    values = (
        Target(Decimal("0.02"), last_day=date(2026, 6, 10)),
        Target(Decimal("0.03"), first_day=date(2026, 6, 12)),
    )
    days = [date(2026, 6, day) for day in (10, 11, 12)]
    assert [target_value(values, day) for day in days] == [Decimal("0.02"), None, Decimal("0.03")]
    assert target_value((), days[0]) is None


def _weekday_days(first: date, last: date) -> dict[date, Decimal | None]:
    """Mondays bring 10, Tuesdays 20, … Sundays 70."""
    length = (last - first).days + 1
    days = [first + timedelta(days=index) for index in range(length)]
    return {day: Decimal(day.isoweekday() * 10) for day in days}


def test_the_rest_of_the_month_is_as_the_same_weekdays_were() -> None:
    until = date(2027, 1, 27)  # a Wednesday; Thursday to Sunday are left
    days = _weekday_days(date(2026, 12, 20), until)
    progress = compute_progress(days, MONTHLY, Span.MONTH, until)
    assert progress is not None
    assert progress.actual == sum(one or 0 for day, one in days.items() if day.month == 1)
    assert progress.due == 2700 and progress.target == 3100
    assert progress.attainment == progress.actual / 2700
    assert progress.forecast == progress.actual + 40 + 50 + 60 + 70
    assert progress.expected_attainment == progress.forecast / 3100


def test_one_odd_day_of_four_weeks_moves_its_weekday_by_a_quarter() -> None:
    until = date(2027, 1, 24)  # a Sunday: all seven weekdays are left
    usual, odd = (_weekday_days(date(2026, 12, 20), until) for _ in range(2))
    odd[date(2026, 12, 28)] = Decimal(50)  # a Monday of December, within the four weeks
    forecasts = [compute_progress(days, MONTHLY, Span.MONTH, until) for days in (usual, odd)]
    assert forecasts[0] is not None and forecasts[1] is not None
    assert forecasts[0].forecast is not None and forecasts[1].forecast is not None
    assert forecasts[1].forecast - forecasts[0].forecast == 10


@pytest.mark.parametrize(("missing", "has_progress"), [(date(2027, 1, 5), False), (date(2026, 12, 29), True)])
def test_a_missing_day_is_no_zero(missing: date, has_progress: bool) -> None:
    until = date(2027, 1, 24)
    days: Mapping[date, Decimal | None] = _weekday_days(date(2026, 12, 20), until) | {missing: None}
    progress = compute_progress(days, MONTHLY, Span.MONTH, until)
    assert (progress is not None) is has_progress
    assert progress is None or progress.forecast is None


def test_a_month_that_is_over_needs_no_guess() -> None:
    until = date(2027, 1, 31)
    progress = compute_progress(_weekday_days(date(2026, 12, 20), until), MONTHLY, Span.MONTH, until)
    assert progress is not None and progress.forecast == progress.actual and progress.due == progress.target


def test_targets_met_are_counted_by_family_and_only_where_measured() -> None:
    standings = {
        "net_sales": (Decimal(90), Decimal(100)),
        "conversion_rate": (Decimal("0.03"), Decimal("0.03")),
        "return_rate": (Decimal("0.04"), Decimal("0.05")),
        "orders": (None, Decimal(5)),
        "sessions": (Decimal(5), None),
        "ad_spend": (Decimal(5), Decimal(4)),
    }
    found = compute_attainment(kpis(), standings)
    assert [(one.family, one.met, one.number) for one in found] == [
        ("", 2, 3),
        ("sales", 1, 2),
        ("profit", 1, 1),
    ]
    assert compute_attainment(kpis(), {}) == ()
