"""Weeks and months: their ends, their names, the ones before them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_pipeline.periods import ReportPeriod, Rhythm, newest_complete, parse_period

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@given(day=DAYS, rhythm=st.sampled_from(Rhythm))
def test_the_newest_complete_period_is_over_and_the_next_is_not(day: date, rhythm: Rhythm) -> None:
    period = newest_complete(rhythm, day)
    after = newest_complete(rhythm, period.last_day + timedelta(days=period.days))
    following = ReportPeriod(rhythm, period.last_day + timedelta(days=7)) if rhythm is Rhythm.WEEKLY else None
    assert period.last_day <= day
    assert (day - period.last_day).days < 31
    assert following is None or following.last_day > day
    assert after >= period


@given(day=DAYS, rhythm=st.sampled_from(Rhythm), number=st.integers(1, 60))
def test_going_back_leaves_no_day_out(day: date, rhythm: Rhythm, number: int) -> None:
    period = newest_complete(rhythm, day)
    earlier = period.back(number)
    steps = [period.back(index) for index in range(number + 1)]
    assert all(newer.first_day - older.last_day == timedelta(days=1) for newer, older in pairwise(steps))
    assert earlier == steps[-1]
    assert sum(step.days for step in steps) == (period.last_day - earlier.first_day).days + 1


@given(day=DAYS, rhythm=st.sampled_from(Rhythm))
def test_a_name_is_read_back(day: date, rhythm: Rhythm) -> None:
    period = newest_complete(rhythm, day)
    assert parse_period(period.name) == period


@pytest.mark.parametrize("name", ["2026-W54", "2026-W00", "2026-13", "2026-00", "2026", "W47", "2026-1", ""])
def test_what_is_no_period_is_none(name: str) -> None:
    assert parse_period(name) is None


def test_the_year_before_compares_mondays_with_mondays_and_months_with_their_namesake() -> None:
    week = ReportPeriod(Rhythm.WEEKLY, date(2026, 11, 22))
    assert week.year_before().last_day == date(2025, 11, 23)
    february = ReportPeriod(Rhythm.MONTHLY, date(2024, 2, 29))
    assert february.year_before().last_day == date(2023, 2, 28)


@pytest.mark.parametrize(
    ("rhythm", "day", "said"),
    [(Rhythm.WEEKLY, date(2026, 11, 21), "not a Sunday"), (Rhythm.MONTHLY, date(2026, 2, 27), "last day")],
)
def test_a_day_within_a_period_is_no_period(rhythm: Rhythm, day: date, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ReportPeriod(rhythm, day)
