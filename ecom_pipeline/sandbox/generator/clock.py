"""Local days of the shop and business days of banks, as UTC instants.

All other modules think in local days; only here a time zone is looked at, so days of 23 and 25
hours are right everywhere.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
_HOURS = (8, 5, 3, 2, 2, 4, 10, 22, 38, 50, 56, 56, 60, 62, 56, 52, 52, 56, 62, 72, 88, 92, 66, 30)
_HOURS_UP_TO = tuple(accumulate(_HOURS))


class Clock:
    """Turns local days of one time zone into instants, and back."""

    def __init__(self, time_zone: str, first_day: date, last_day: date) -> None:
        self.time_zone = time_zone
        self.first_day = first_day
        self.last_day = last_day
        self._zone = ZoneInfo(time_zone)
        self._midnights: dict[date, datetime] = {}
        self.start = self.midnight(first_day)
        self.end = self.midnight(last_day + ONE_DAY)

    def midnight(self, day: date) -> datetime:
        """The first instant of a local day, in UTC."""
        known = self._midnights.get(day)
        if known is None:
            known = datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC)
            self._midnights[day] = known
        return known

    def moment(self, day: date, hour: float) -> datetime:
        """The instant `hour` hours after local midnight."""
        return self.midnight(day) + timedelta(seconds=int(hour * 3600))

    def shopping_moment(self, day: date, rng: Random) -> datetime:
        """An instant of the day at which people like to buy; to the second."""
        hour = bisect(_HOURS_UP_TO, rng.random() * _HOURS_UP_TO[-1])
        start = self.midnight(day)
        length = (self.midnight(day + ONE_DAY) - start).total_seconds()
        # Stretching keeps the doubled hour of autumn inhabited and the missing one of spring empty.
        return start + timedelta(seconds=int((hour + rng.random()) * length / 24))

    def day_of(self, instant: datetime) -> date:
        """The local day an instant falls on."""
        return instant.astimezone(self._zone).date()

    def days(self) -> Iterator[date]:
        """Every day of the history."""
        day = self.first_day
        while day <= self.last_day:
            yield day
            day += ONE_DAY


@lru_cache(maxsize=64)
def easter_sunday(year: int) -> date:
    """Western Easter, by the anonymous Gregorian computus."""
    golden, century, rest = year % 19, year // 100, year % 100
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=8192)
def is_business_day(day: date) -> bool:
    """Whether euro payments settle on a day (the TARGET calendar)."""
    if day.weekday() >= 5 or (day.month, day.day) in {(1, 1), (5, 1), (12, 25), (12, 26)}:
        return False
    return day - easter_sunday(day.year) not in (timedelta(days=-2), timedelta(days=1))


@lru_cache(maxsize=32768)
def business_day_after(day: date, count: int) -> date:
    """The `count`-th business day after a day; 0: the day itself or the next business day."""
    if count == 0:
        return day if is_business_day(day) else business_day_after(day, 1)
    while count:
        day += ONE_DAY
        count -= is_business_day(day)
    return day
