"""Which periods a cockpit holds: days, weeks, months and blocks of four weeks, newest first.

Longer than what is shown, so that every value has its period before and its period a year before beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ecom_pipeline.cockpit.cockpit import Grain, Span
from ecom_pipeline.insights.bands import MONTHLY, WEEKLY
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import Period, compared_bounds, period_bounds, periods_to_mature

DAY, WEEK, FOUR_WEEKS, MONTH = "day", "week", "four_weeks", "month"


GRAINS = (
    Grain(DAY, Period.DAY, shown=28, year=29, cut=2, least_days=1),
    Grain(WEEK, Period.WEEK, shown=53, year=52, cut=9, least_days=7, cadence=WEEKLY),
    Grain(FOUR_WEEKS, Period.ROLLING_28, shown=13, year=13, cut=2, least_days=28),
    Grain(MONTH, Period.MONTH, shown=25, year=12, cut=4, least_days=31, cadence=MONTHLY),
)
# How far back segments go in a file, deepest first: what would make it too large is left out from the far end.
DEPTHS = (
    {grain.key: grain.cut for grain in GRAINS},
    {DAY: 1, WEEK: 5, FOUR_WEEKS: 1, MONTH: 3},
    {DAY: 1, WEEK: 2, FOUR_WEEKS: 1, MONTH: 1},
)


def last_days(grain: Grain, newest_day: date, more: int = 0) -> list[date]:
    """The last day of each period that can be looked at, and of some `more` before, newest first.

    A period that is not over is left out.
    """
    first, last = period_bounds(grain.period, newest_day)
    if last > newest_day:
        last = first - timedelta(days=1)
    found = [last]
    while len(found) < grain.shown + more:
        found.append(period_bounds(grain.period, found[-1])[0] - timedelta(days=1))
    return found


def place_spans(grain: Grain, ends: Sequence[date]) -> tuple[Span, ...]:
    """The days of every place: those shown, the one before the oldest, and those a year before."""
    spans: dict[int, Span] = {}
    for place, end in enumerate(ends):
        bounds = compared_bounds(grain.period, end)
        spans[place] = Span(*bounds["current"])
        spans[place + 1] = Span(*bounds["previous"])
        spans[place + grain.year] = Span(*bounds["previous_year"])
    return tuple(spans[place] for place in range(len(spans)))


def shift_of(kpi: Kpi, grain: Grain) -> tuple[int, ...]:
    """How many places earlier each period's value is told, because its days are too young for this KPI.

    The same rule as the report's: what needs a week or more to mature, and any flow, is told of the newest period that
    is old enough; of all else a few immature days are left out of their period and said beside it.
    """
    young = periods_to_mature(kpi, grain.least_days)
    return tuple(min(max(young - place, 0), grain.shown - 1 - place) for place in range(grain.shown))
