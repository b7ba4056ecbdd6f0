"""What is usual for a KPI: a band around the middle of its recent weeks that a few odd weeks cannot move.

Median and median absolute deviation instead of mean and standard deviation, because a sale or a breakdown
among the past weeks must not widen what counts as usual.

The width is chosen by measurement, on simulated quiet series of 25 weeks and the week judged (60,000 each,
normal noise, then noise whose weeks resemble each other with autocorrelation 0.6). Share of quiet weeks called
unusual on the bad side, for one KPI and for at least one of seven independent essential KPIs:

    width   one KPI          one of seven
    1.5     8.9 % / 10.1 %   48 % / 52 %
    2       4.2 % /  4.9 %   26 % / 30 %
    2.5     1.9 % /  2.4 %   12 % / 16 %
    3       0.9 % /  1.2 %    6 % /  8 %

With 3 one quiet week in about fourteen has an unusual essential. A shorter history knows less: with just eight
weeks before, 3.6 % to 4.7 % for one KPI. A KPI that drifts (autocorrelation 0.9) leaves its band in 2.5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

FEWEST_WEEKS = 8
WIDTH = Decimal(3)
_TO_DEVIATION = Decimal("1.4826")  # makes the median absolute deviation comparable to a standard deviation
_LEAST_SCALE = Decimal("0.01")  # of the middle: a nearly flat series must not alarm over a cent


@dataclass(frozen=True)
class Band:
    """The usual range of a KPI, in the KPI's own unit."""

    middle: Decimal
    low: Decimal
    high: Decimal
    scale: Decimal

    def surprise(self, value: Decimal) -> Decimal:
        """Distance from the middle in robust deviations, signed."""
        return (value - self.middle) / self.scale if self.scale else Decimal(0)


def compute_band(
    previous: Sequence[Decimal | None], minimum: Decimal | None = None, maximum: Decimal | None = None
) -> Band | None:
    """The band of the weeks before, cut at the KPI's own limits; None when fewer than eight are known."""
    known = [value for value in previous if value is not None]
    if len(known) < FEWEST_WEEKS:
        return None
    middle = median(known)
    spread = median([abs(value - middle) for value in known]) * _TO_DEVIATION
    scale = max(spread, abs(middle) * _LEAST_SCALE)
    low, high = middle - WIDTH * scale, middle + WIDTH * scale
    return Band(
        middle,
        low if minimum is None else max(low, min(minimum, middle)),
        high if maximum is None else min(high, max(maximum, middle)),
        scale,
    )
