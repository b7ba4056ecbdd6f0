"""The days, weeks and months the assets are cut into, in the shop's own time zone."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.kpis.values import Period, period_bounds
from ecom_pipeline.periods import ReportPeriod, Rhythm, week_ending
from ecom_pipeline.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition for each local day since the shop's history begins."""
    shop = settings.shop
    return dg.DailyPartitionsDefinition(start_date=shop.history_start.isoformat(), timezone=shop.time_zone)


def weekly_partitions(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """One partition for each whole ISO week of the history, named by its Monday."""
    shop = settings.shop
    monday = shop.history_start + timedelta(days=-shop.history_start.weekday() % 7)
    return dg.WeeklyPartitionsDefinition(start_date=monday.isoformat(), timezone=shop.time_zone, day_offset=1)


def report_partitions(settings: Settings, rhythm: Rhythm) -> dg.TimeWindowPartitionsDefinition:
    """One partition for each whole week or month of the history, named by its first day."""
    if rhythm is Rhythm.WEEKLY:
        return weekly_partitions(settings)
    shop = settings.shop
    first = shop.history_start
    if first.day > 1:
        first = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return dg.MonthlyPartitionsDefinition(start_date=first.isoformat(), timezone=shop.time_zone)


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last local day of the run, one day or many."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)


def period_of(rhythm: Rhythm, key: str) -> ReportPeriod:
    """The week or month of a report's partition.

    Raises:
        ConfigurationError: the key is not its first day. Dagster itself takes any day.
    """
    if rhythm is Rhythm.WEEKLY:
        return week_ending(week_of(key))
    try:
        first = date.fromisoformat(key)
    except ValueError:
        raise ConfigurationError(f"{key!r} is not a day.", mend="Name a month by its first day.") from None
    if first.day != 1:
        raise ConfigurationError(
            f"No month begins on {first}.",
            why="Months are named by their first day.",
            mend=f"Use {first:%Y-%m}-01.",
        )
    return ReportPeriod(rhythm, period_bounds(Period.MONTH, first)[1])


def period_key(period: ReportPeriod) -> str:
    """The partition of a week or month."""
    return period.first_day.isoformat()


def week_of(key: str) -> date:
    """The last day (a Sunday) of a weekly partition.

    Raises:
        ConfigurationError: the key is not a Monday. Dagster itself takes any day for a weekly key.
    """
    try:
        monday = date.fromisoformat(key)
    except ValueError:
        raise ConfigurationError(f"{key!r} is not a day.", mend="Name a week by its Monday.") from None
    if monday.isoweekday() != 1:
        right = monday - timedelta(days=monday.weekday())
        raise ConfigurationError(
            f"No week begins on {monday}.", why="Weeks are named by their Monday.", mend=f"Use {right}."
        )
    return monday + timedelta(days=6)
