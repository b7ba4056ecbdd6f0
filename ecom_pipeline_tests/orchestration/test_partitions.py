"""Days and weeks in the shop's own time zone, through both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.orchestration.partitions import (
    daily_partitions,
    period_key,
    period_of,
    report_partitions,
    week_of,
    weekly_partitions,
)
from ecom_pipeline.periods import ReportPeriod, Rhythm, week_ending
from ecom_pipeline.settings import Settings, load_settings

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "ecom.toml"
    file.write_text(
        '[shop]\nname = "A shop"\ntime_zone = "Europe/Paris"\ncurrency = "EUR"\nhistory_start = 2026-03-18\n[sources]\n'
    )
    return load_settings(file, {})


def test_every_local_day_is_a_partition_whatever_the_clocks_do(settings: Settings) -> None:
    days = daily_partitions(settings)
    keys = days.get_partition_keys(current_time=NOW)
    first = date(2026, 3, 18)
    assert keys == [
        str(first + timedelta(days=index)) for index in range((date(2026, 11, 15) - first).days + 1)
    ]
    hours = {
        key: (days.time_window_for_partition_key(key).end - days.time_window_for_partition_key(key).start)
        for key in keys
    }
    assert {key: length for key, length in hours.items() if length != timedelta(hours=24)} == {}
    instants = {
        key: (
            days.time_window_for_partition_key(key).end.timestamp()
            - days.time_window_for_partition_key(key).start.timestamp()
        )
        / 3600
        for key in ("2026-03-28", "2026-03-29", "2026-10-25")
    }
    assert instants == {"2026-03-28": 24, "2026-03-29": 23, "2026-10-25": 25}


def test_weeks_begin_on_the_first_monday_of_the_history(settings: Settings) -> None:
    keys = weekly_partitions(settings).get_partition_keys(current_time=NOW)
    assert keys[0] == "2026-03-23"
    assert keys[-1] == "2026-11-09"
    assert {date.fromisoformat(key).isoweekday() for key in keys} == {1}


def test_a_week_is_named_by_its_monday(settings: Settings) -> None:
    assert week_of("2026-11-09") == date(2026, 11, 15)
    assert period_key(week_ending(date(2026, 11, 15))) == "2026-11-09"


def test_months_begin_with_the_first_whole_one_and_are_named_by_their_first_day(settings: Settings) -> None:
    keys = report_partitions(settings, Rhythm.MONTHLY).get_partition_keys(current_time=NOW)
    assert (keys[0], keys[-1]) == ("2026-04-01", "2026-10-01")
    october = ReportPeriod(Rhythm.MONTHLY, date(2026, 10, 31))
    assert period_of(Rhythm.MONTHLY, "2026-10-01") == october
    assert period_key(october) == "2026-10-01"


@pytest.mark.parametrize(("key", "said"), [("2026-11-11", "2026-11-01"), ("November", "first day")])
def test_other_monthly_keys_are_refused(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        period_of(Rhythm.MONTHLY, key)


@pytest.mark.parametrize(("key", "said"), [("2026-11-11", "2026-11-09"), ("week 46", "Monday")])
def test_other_weekly_keys_are_refused(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        week_of(key)
