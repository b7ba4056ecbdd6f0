"""KPIs of shops in which nothing happens, to measure how often they would be called unusual.

A day is level x season of the week x season of the year x growth x noise; the noise of a week resembles that
of the week before. Flows swing with the year, ratios hardly, windows of a year move slowly: the mixture is that
of the report. Run it as a module for the table in `ecom_pipeline.insights.bands`; a few minutes.
"""

from __future__ import annotations

import sys
from decimal import Decimal

import numpy as np

from ecom_pipeline.insights.bands import CLOSE, FAR, Floats, compute_band

WEEKS_IN_MONTH = 365.25 / 12 / 7
KINDS = {"flow": 0.3, "ratio": 0.45, "window": 0.25}  # shares of the report's KPIs
WATCHED, ALL = 13, 80  # KPIs that steer or are essential, and KPIs of the report; more than there are today
_SWING = {"flow": 0.3, "ratio": 0.05, "window": 0.3}


def quiet_weeks(chance: np.random.Generator, kind: str, weeks: int) -> list[Decimal]:
    """So many weeks of one KPI of a shop, oldest first."""
    length = weeks * 7 + (364 if kind == "window" else 0)
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
    noise = np.repeat(_alike(chance, length // 7), 7) + chance.normal(0, 0.06, length)
    days = 1000 * year * week * growth * np.exp(noise)
    if kind == "window":
        values = np.convolve(days, np.ones(365), "valid")[6::7][-weeks:]
    else:
        values = days.reshape(weeks, 7).sum(axis=1)
    return [Decimal(round(value * 100)) / 100 for value in values]


def _alike(chance: np.random.Generator, weeks: int) -> Floats:
    """Noise of weeks of which each keeps a share of the deviation of the one before."""
    share, size = chance.uniform(0, 0.6), chance.uniform(0.015, 0.06)
    shocks = chance.normal(0, size * (1 - share**2) ** 0.5, weeks)
    found = np.zeros(weeks)
    for index in range(1, weeks):
        found[index] = share * found[index - 1] + shocks[index]
    return found


def false_alarms(seed: int, known: int, series: int) -> tuple[float, float]:
    """Shares of quiet weeks below the close and the far band, mixed as the report is.

    One side only, because only bad news is a signal.
    """
    chance = np.random.default_rng(seed)
    close = far = 0.0
    for kind, share in KINDS.items():
        for _ in range(series):
            *before, week = quiet_weeks(chance, kind, known + 1)
            if _is_below(week, before, CLOSE):
                close += share / series
                far += _is_below(week, before, FAR) * share / series
    return close, far


def _is_below(week: Decimal, before: list[Decimal], width: Decimal) -> bool:
    band = compute_band(before, width=width)
    return band is not None and week < band.low


def false_signals_a_month(watched: float, others: float) -> float:
    """Of a whole report, from the rates of its two widths."""
    return WEEKS_IN_MONTH * (WATCHED * watched + (ALL - WATCHED) * others)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    for known in (10, 20, 30, 58, 80, 104):
        close, far = false_alarms(1, known, count)
        line = f"{known:4} {close:7.2%} {far:7.2%} {false_signals_a_month(close, far):6.2f}\n"
        sys.stdout.write(line)
        sys.stdout.flush()
