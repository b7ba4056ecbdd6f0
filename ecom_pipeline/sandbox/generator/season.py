"""How lively each day is: the year, the week, sales campaigns and slow growth, all around 1."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

_MONTH = (0.99, 0.89, 0.93, 0.93, 0.98, 0.88, 0.82, 0.60, 0.96, 1.07, 1.28, 1.42)
_WEEKDAY = (1.04, 0.98, 0.96, 0.96, 0.92, 0.98, 1.16)


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def demand_factor(day: date) -> float:
    """How many orders a day draws, 1 being an ordinary one."""
    # Between two mid-months the level moves in a straight line: no step on the first of a month.
    middle = 15
    previous = (day.month - 2) % 12 if day.day < middle else day.month - 1
    share = ((day.day - middle) % 30) / 30
    level = _MONTH[previous] * (1 - share) + _MONTH[(previous + 1) % 12] * share
    return level * _WEEKDAY[day.weekday()] * _event_factor(day)


def _event_factor(day: date) -> float:
    from_black_friday = (day - black_friday(day.year)).days
    if 0 <= from_black_friday <= 3:
        return 2.4 if from_black_friday in (0, 3) else 1.8
    if -4 <= from_black_friday < 0:
        return 1.25
    if day.month == 12:
        if day.day <= 18:
            return 1.15
        return 0.45 if day.day >= 23 else 0.8
    if _is_winter_sale(day) and day.day <= 14:
        return 1.3
    return 1.0


def growth_factor(first_day: date, day: date) -> float:
    """A young shop: quick in its first year, then slow."""
    years = (day - first_day).days / 365
    return 0.88 + 0.20 * min(years, 1.0) + 0.06 * max(years - 1.0, 0.0)


def _is_winter_sale(day: date) -> bool:
    return day.month == 1 and day.day >= 8


def _is_summer_sale(day: date) -> bool:
    return (day.month == 6 and day.day >= 25) or (day.month == 7 and day.day <= 20)


def draw_discount(day: date, rng: Random) -> tuple[int, str | None]:
    """Percent off an order and the code that gave it; sales need no code."""
    chance = rng.random()
    if _is_winter_sale(day) or _is_summer_sale(day):
        return (25, None) if chance < 0.45 else (15, "SOLDES15") if chance < 0.65 else (0, None)
    if 0 <= (day - black_friday(day.year)).days <= 3:
        return (20, "BLACKLUMEN20") if chance < 0.7 else (0, None)
    if chance < 0.21:
        return 10, "BIENVENUE10"
    if chance < 0.29:
        return 15, "LUMEN15"
    return 0, None
