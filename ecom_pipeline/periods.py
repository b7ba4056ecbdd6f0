"""The week or month a report is of: its days, its name, the ones before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ecom_pipeline.kpis.values import Period, period_bounds

_DAY = timedelta(days=1)


class Rhythm(StrEnum):
    """How often a report comes."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def period(self) -> Period:
        return Period.WEEK if self is Rhythm.WEEKLY else Period.MONTH


@dataclass(frozen=True, order=True)
class ReportPeriod:
    """A whole ISO week or calendar month, known by its last day."""

    rhythm: Rhythm
    last_day: date

    def __post_init__(self) -> None:
        if self.bounds[1] != self.last_day:
            kind = "Sunday" if self.rhythm is Rhythm.WEEKLY else "month's last day"
            raise ValueError(f"{self.last_day} is not a {kind}.")

    @property
    def bounds(self) -> tuple[date, date]:
        return period_bounds(self.rhythm.period, self.last_day)

    @property
    def first_day(self) -> date:
        return self.bounds[0]

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day).days + 1

    @property
    def name(self) -> str:
        """The ISO week as 2026-W47, the month as 2026-11."""
        if self.rhythm is Rhythm.MONTHLY:
            return f"{self.last_day:%Y-%m}"
        iso = self.last_day.isocalendar()
        return f"{iso.year}-W{iso.week:02d}"

    def back(self, number: int) -> ReportPeriod:
        """The period so many before this one."""
        period = self
        for _ in range(number):
            period = ReportPeriod(period.rhythm, period.first_day - _DAY)
        return period

    def year_before(self) -> ReportPeriod:
        """The same period a year before: 52 weeks back, or the month of that name."""
        if self.rhythm is Rhythm.WEEKLY:
            return ReportPeriod(self.rhythm, self.last_day - timedelta(weeks=52))
        return self.back(12)


def week_ending(last_day: date) -> ReportPeriod:
    """The week that ends with a Sunday."""
    return ReportPeriod(Rhythm.WEEKLY, last_day)


def newest_complete(rhythm: Rhythm, newest_day: date) -> ReportPeriod:
    """The last week or month that is over when `newest_day` is the last complete day."""
    first, last = period_bounds(rhythm.period, newest_day)
    return ReportPeriod(rhythm, last if last == newest_day else first - _DAY)


def parse_period(name: str) -> ReportPeriod | None:
    """A period by its name (2026-W47, 2026-11); None when there is none of that name."""
    try:
        if found := re.fullmatch(r"(\d{4})-W(\d{2})", name):
            return ReportPeriod(Rhythm.WEEKLY, date.fromisocalendar(int(found[1]), int(found[2]), 7))
        if found := re.fullmatch(r"(\d{4})-(\d{2})", name):
            first = date(int(found[1]), int(found[2]), 1)
            return ReportPeriod(Rhythm.MONTHLY, period_bounds(Period.MONTH, first)[1])
    except ValueError:
        return None
    return None
