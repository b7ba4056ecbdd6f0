"""What is usual for a KPI this week, given its own recent weeks, its trend and what the same week did a year before.

The week to expect is learned from the KPI's own past: a robust regression (Huber) of each week on the median of
the eight weeks before it, which carries trend and season along, and on the last week, which weeks resemble. Its
errors, measured by their median absolute deviation, are what noise does; a sale or a breakdown among the past
weeks moves neither. The band is so many deviations wide: closer for what a shop steers by and its reader watches.

Where the year before left its own level just as far, give or take a week, the band stretches to there: a slump
that comes every January is news once. That takes 60 weeks. A shop with less has no yearly season, and its first
January may alarm. With less than 26 weeks there is too little to learn from: the middle of all weeks is expected,
and the band is twice as wide.

Measured with `ecom_pipeline_tests.quiet_years` on simulated quiet shops, whose days have a season of the week and
of the year, growth and noise of which weeks keep a share (2,000 series each of flows, ratios and rolling years).
Share of quiet weeks beyond the band on the bad side, and false signals a month over a report of 80 KPIs, 13 of
them judged closely; the aim is one a month at most:

    weeks known   close   far     a month
        10        0.36 %  0.16 %  0.68
        20        0.25 %  0.06 %  0.31
        30        0.50 %  0.21 %  0.89
        58        0.20 %  0.06 %  0.29
        80        0.32 %  0.04 %  0.31
       104        0.30 %  0.09 %  0.43

Read every day (`DAILY`: the last seven days after the same weekdays of the weeks before, bands a tenth wider, told
when two days in a row are beyond), what is told falsely in a month over all KPIs, of 1,000 series each:

    weeks known    10     20     30     58
    told a month  0.79   0.53   0.68   0.19

Told at once and with the bands of weeks it would be up to 3.8. Months (`MONTHLY`) are learned from months: level of
the last four, season of the same month a year before, bands a fifth narrower, because twelve judgements a year err
less often than fifty-two. Eight months are the least, and with less than fifteen the middle of all is expected
(1,000 series each; beside it, how often a month that sold a fifth less is found):

    months known   close   far     a month    found: close   far
        8          0.90 %  0.51 %  0.46              56 %     45 %
       12          0.14 %  0.04 %  0.05              42 %     32 %
       16          1.73 %  0.66 %  0.67              78 %     70 %
       24          0.42 %  0.18 %  0.18              79 %     74 %
       36          0.85 %  0.33 %  0.33              83 %     77 %

What it finds of the simulated shop's incidents (six shops, 100 orders a day): paying on a telephone broken from a
Thursday on is found in that very week's report by the checkout abandonment in six of six, from a Friday on in five,
and in the week after in all; click prices that rise by 40 % on a Monday or Tuesday in that week's report in all. A
single conversion rate moves less: the Thursday is found in five of six, the first whole week in five of six.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

CLOSE, FAR = Decimal("2.7"), Decimal("3.3")  # widths: of the KPIs that are watched, and of all others
YOUNG = 2.0  # times wider while too few periods are known to learn from
_TO_DEVIATION = 1.4826  # makes the median absolute deviation comparable to a standard deviation
_STILL = 1e-6  # of a value: what differs by less from the period before did not move
_LEAST_SCALE = 0.01  # of the middle: a nearly flat series must not alarm over a cent

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cadence:
    """How often a KPI is judged, and from how many of its periods it is learned what is usual."""

    year: int  # periods after which the season comes again
    drift: int  # by how many periods what comes every year may come earlier or later: feasts move
    history: int  # periods before the judged one that are looked at
    recent: int  # periods whose median is the level a period is expected near
    learning: int  # periods with such a level without which no forecast is learned
    fewest: int  # known periods without which nothing is said
    stretch: float  # of the widths, which are made for weeks judged weekly: the more often, the wider


WEEKLY = Cadence(year=52, drift=1, history=104, recent=8, learning=18, fewest=8, stretch=1.0)
DAILY = replace(WEEKLY, stretch=1.1)  # weeks again, but judged every day
MONTHLY = Cadence(year=12, drift=0, history=36, recent=4, learning=12, fewest=8, stretch=0.8)


@dataclass(frozen=True)
class Band:
    """The usual range of a KPI in the judged period, in the KPI's own unit."""

    middle: Decimal
    low: Decimal
    high: Decimal
    scale: Decimal

    def surprise(self, value: Decimal) -> Decimal:
        """Distance from the middle in robust deviations, signed."""
        return (value - self.middle) / self.scale if self.scale else Decimal(0)


def compute_band(
    previous: Sequence[Decimal | None],
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
    width: Decimal = CLOSE,
    cadence: Cadence = WEEKLY,
) -> Band | None:
    """What to expect after these periods (oldest first, gaps as None); None when fewer than the fewest are known.

    Cut at the KPI's own limits. Amounts that are always positive are judged by their logarithms: a shop
    that doubles doubles its noise too.
    """
    known = [float(value) for value in previous if value is not None]
    if len(known) < cadence.fewest:
        return None
    is_positive = min(known) > 0
    past = np.array([np.nan if value is None else float(value) for value in previous[-cadence.history :]])
    if is_positive:
        past = np.log(past)
    levels = np.array(
        [_level(past[max(end - cadence.recent, 0) : end], cadence) for end in range(len(past) + 1)]
    )
    middle, deviation, factor = _forecast(past, levels, cadence) or _middle_of(past)
    scale = max(deviation, _LEAST_SCALE * (1.0 if is_positive else abs(middle)))
    reach = float(width) * cadence.stretch * factor * scale
    usual = [_back(middle + side * reach, is_positive) for side in (-1, 0, 1)]
    season = [one for one in _season(past, levels, cadence) if abs(one - middle) > reach]
    low = _back(min([middle, *season]) - reach, is_positive)
    high = _back(max([middle, *season]) + reach, is_positive)
    return Band(
        usual[1],
        low if minimum is None else max(low, min(minimum, usual[1])),
        high if maximum is None else min(high, max(maximum, usual[1])),
        (usual[2] - usual[0]) / 2 / (width * Decimal(str(cadence.stretch))),
    )


def _forecast(past: Floats, levels: Floats, cadence: Cadence) -> tuple[float, float, float] | None:
    """The period after and the deviation of such forecasts; None when there is too little to learn from."""
    last = np.concatenate([[np.nan], past])
    rows = np.column_stack([levels, np.where(np.isnan(last), levels, last)])
    learned = ~np.isnan(levels[:-1]) & ~np.isnan(past)
    if learned.sum() < cadence.learning or np.isnan(levels[-1]):
        return None
    # What is told by the month stands still within it: how far it goes is learned from the periods in which it moved.
    moved = np.abs(past - last[:-1])[learned] > _STILL * np.abs(past[learned])
    return *_regress(rows[:-1][learned], past[learned], rows[-1], moved), 1.0


def _middle_of(past: Floats) -> tuple[float, float, float]:
    known = past[~np.isnan(past)]
    middle = float(np.median(known))
    return middle, _deviation(known - middle), YOUNG


def _season(past: Floats, levels: Floats, cadence: Cadence) -> list[float]:
    """Where this period would be if it left its level as it did a year before, give or take its drift."""
    found = [
        levels[-1] + past[index] - levels[index]
        for index in (len(past) - cadence.year + shift for shift in range(-cadence.drift, cadence.drift + 1))
        if index >= 0
    ]
    return [float(one) for one in found if not np.isnan(one)]


def _level(recent: Floats, cadence: Cadence) -> float:
    """The median of the periods just before; unknown when more than a quarter of them is."""
    known = recent[~np.isnan(recent)]
    return float(np.median(known)) if len(known) * 4 >= cadence.recent * 3 else np.nan


def _regress(rows: Floats, past: Floats, now: Floats, moved: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Robust regression of periods on what was known before each; the deviation, of those that moved, holds the
    fit's own doubt.
    """
    from statsmodels.robust.robust_linear_model import RLM  # noqa: PLC0415 - takes a second to load

    centre = rows.mean(axis=0)
    varies = rows.std(axis=0) > 1e-9 * max(float(np.abs(past).max()), 1e-9)
    design = np.column_stack([np.ones(len(rows)), (rows - centre)[:, varies]])
    point = np.concatenate([[1.0], (now - centre)[varies]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a series that never moves fits perfectly, which is no trouble here
        found = RLM(past, design).fit(maxiter=30).params
    errors = past - design @ found
    spread = (
        _deviation(errors[moved] if moved.any() else errors) * (len(past) / (len(past) - len(found))) ** 0.5
    )
    doubt = point @ np.linalg.pinv(design.T @ design) @ point
    few = 1 + 4 / len(past)  # a deviation measured on few weeks is often too small
    return float(point @ found), spread * few * float(1 + doubt) ** 0.5


def _deviation(distances: Floats) -> float:
    return float(np.median(np.abs(distances))) * _TO_DEVIATION


def _back(number: float, is_logarithm: bool) -> Decimal:
    return Decimal(repr(float(np.exp(number)) if is_logarithm else number))
