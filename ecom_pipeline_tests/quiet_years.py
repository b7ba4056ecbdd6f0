"""KPIs of shops in which nothing happens, to measure how often they would be called unusual.

A day is level x season of the week x season of the year x growth x noise; the noise of a week resembles that
of the week before. Flows swing with the year, ratios hardly, windows of a year move slowly: the mixture is that
of the report. Run it as a module for the tables in `ecom_pipeline.insights.bands`; some minutes each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from ecom_pipeline.insights.bands import CLOSE, DAILY, FAR, MONTHLY, WEEKLY, Cadence, Floats, compute_band

WEEKS_IN_MONTH = 365.25 / 12 / 7
KINDS = {"flow": 0.3, "ratio": 0.45, "window": 0.25}  # shares of the report's KPIs
WATCHED, ALL = 13, 80  # KPIs that steer or are essential, and KPIs of the report; more than there are today
_SWING = {"flow": 0.3, "ratio": 0.05, "window": 0.3}
_FIRST = date(2020, 1, 1)
DAYS_IN_MONTH = 365.25 / 12
_WARM_UP, _WATCHED_DAYS = 7, 28


def quiet_days(chance: np.random.Generator, kind: str, length: int) -> Floats:
    """So many days of one KPI of a shop, oldest first; of a window the days it ends on."""
    length += 364 if kind == "window" else 0
    day = np.arange(length)
    phase = chance.uniform(0, 2 * np.pi)
    swing = _SWING[kind] * chance.uniform(0.3, 1)
    year = (
        1
        + swing * np.sin(2 * np.pi * day / 364 + phase)
        + swing / 2 * np.sin(4 * np.pi * day / 364 + 2 * phase)
    )
    week = 1 + 0.2 * np.sin(2 * np.pi * (day % 7) / 7)
    growth = np.exp(chance.normal(0, 0.15) * day / 364)
    noise = np.repeat(_alike(chance, -(-length // 7)), 7)[:length] + chance.normal(0, 0.06, length)
    days = 1000 * year * week * growth * np.exp(noise)
    return np.convolve(days, np.ones(365), "valid") if kind == "window" else days


def quiet_weeks(chance: np.random.Generator, kind: str, weeks: int) -> list[Decimal]:
    """So many weeks of one KPI of a shop, oldest first."""
    days = quiet_days(chance, kind, weeks * 7)
    return _rounded(days[6::7] if kind == "window" else days.reshape(weeks, 7).sum(axis=1))


def quiet_months(chance: np.random.Generator, kind: str, months: int) -> list[Decimal]:
    """So many calendar months of one KPI of a shop, oldest first; a ratio's are not longer for having more days."""
    start = int(chance.integers(0, 12))
    firsts = [date(_FIRST.year + (start + one) // 12, (start + one) % 12 + 1, 1) for one in range(months + 1)]
    ends = np.cumsum([(after - first).days for first, after in pairwise(firsts)])
    days = quiet_days(chance, kind, int(ends[-1]))
    if kind == "window":
        return _rounded(days[ends - 1])
    pieces = np.split(days, ends[:-1])
    return _rounded(np.array([one.mean() if kind == "ratio" else one.sum() for one in pieces]))


def _rounded(values: Floats) -> list[Decimal]:
    return [Decimal(round(value * 100)) / 100 for value in values]


def _alike(chance: np.random.Generator, weeks: int) -> Floats:
    """Noise of weeks of which each keeps a share of the deviation of the one before."""
    share, size = chance.uniform(0, 0.6), chance.uniform(0.015, 0.06)
    shocks = chance.normal(0, size * (1 - share**2) ** 0.5, weeks)
    found = np.zeros(weeks)
    for index in range(1, weeks):
        found[index] = share * found[index - 1] + shocks[index]
    return found


def false_alarms(
    seed: int, known: int, series: int, cadence: Cadence = WEEKLY, fall: float = 0.0
) -> tuple[float, float]:
    """Shares of quiet periods below the close and the far band, mixed as the report is.

    One side only, because only bad news is a signal. With a fall (0.2 is a fifth), how often that is found.
    """
    chance = np.random.default_rng(seed)
    quiet: Callable[[np.random.Generator, str, int], list[Decimal]] = (
        quiet_months if cadence is MONTHLY else quiet_weeks
    )
    close = far = 0.0
    for kind, share in KINDS.items():
        for _ in range(series):
            *before, now = quiet(chance, kind, known + 1)
            now *= Decimal(1 - fall)
            if _is_below(now, before, CLOSE, cadence):
                close += share / series
                far += _is_below(now, before, FAR, cadence) * share / series
    return close, far


def _is_below(now: Decimal, before: list[Decimal], width: Decimal, cadence: Cadence) -> bool:
    band = compute_band(before, width=width, cadence=cadence)
    return band is not None and now < band.low


def false_signals_a_month(watched: float, others: float, readings: float = WEEKS_IN_MONTH) -> float:
    """Of a whole report, from the rates of its two widths and how often a month it is made."""
    return readings * (WATCHED * watched + (ALL - WATCHED) * others)


def false_alerts_a_month(seed: int, known: int, series: int) -> float:
    """What the daily alerts tell of quiet shops in a month, over all KPIs.

    The seven days that end with each day are judged after the same weekdays of the weeks before. Told is what is
    beyond the band on two days in a row, and again after seven days at the earliest.
    """
    chance = np.random.default_rng(seed)
    told = {CLOSE: 0.0, FAR: 0.0}
    for kind, share in KINDS.items():
        for _ in range(series):
            readings = _WARM_UP + _WATCHED_DAYS
            days = quiet_days(chance, kind, known * 7 + 6 + readings)
            weeks = _rounded(days[6:] if kind == "window" else np.convolve(days, np.ones(7), "valid"))
            first = len(weeks) - readings
            for width in told:
                below = [
                    _is_below(weeks[end], weeks[end % 7 : end : 7][-known:], width, DAILY)
                    for end in range(first, len(weeks))
                ]
                told[width] += share / series * _tellings(below)
    return DAYS_IN_MONTH / _WATCHED_DAYS * (WATCHED * told[CLOSE] + (ALL - WATCHED) * told[FAR])


def _tellings(below: list[bool]) -> int:
    """How often these days' readings are told, the warm-up apart."""
    count, last = 0, -7
    for day in range(1, len(below)):
        if below[day] and below[day - 1] and day - last >= 7:
            last = day
            count += day >= _WARM_UP
    return count


def _print_rates(cadence: Cadence, knowns: tuple[int, ...], readings: float, series: int) -> None:
    for known in knowns:
        close, far = false_alarms(1, known, series, cadence)
        found = false_alarms(1, known, series // 4, cadence, fall=0.2)
        signals = false_signals_a_month(close, far, readings)
        line = f"{known:4} {close:7.2%} {far:7.2%} {signals:6.2f}   a fifth less: {found[0]:4.0%} {found[1]:4.0%}\n"
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    if sys.argv[1] == "weeks":
        _print_rates(WEEKLY, (10, 20, 30, 58, 80, 104), WEEKS_IN_MONTH, count)
    elif sys.argv[1] == "months":
        _print_rates(MONTHLY, (8, 10, 12, 14, 16, 24, 36), 1, count)
    else:
        for known in (10, 20, 30, 58, 80, 104):
            sys.stdout.write(f"{known:4} {false_alerts_a_month(1, known, count):6.2f}\n")
            sys.stdout.flush()
