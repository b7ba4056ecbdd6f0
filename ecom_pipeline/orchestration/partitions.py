"""The days and weeks the assets are cut into, in the shop's own time zone."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from ecom_pipeline.errors import ConfigurationError
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


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last local day of the run, one day or many."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)


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


def week_key(week_last_day: date) -> str:
    """The weekly partition that ends with the Sunday."""
    return (week_last_day - timedelta(days=6)).isoformat()
