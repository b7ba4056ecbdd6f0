"""What a signal costs a week, and whether a KPI recovered after a report asked for a decision.

Worth is told only where the week's own numbers say it: the distance from what was to be expected, times what it
applies to, as contribution before marketing. A KPI without such a reading has none rather than a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.signals import Cause, Signal, is_worse
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State, Value

# What one unit of the KPI's numerator is in money: itself, or (sold, returned) sales of which the margin is lost.
_MONEY = {
    "customer_acquisition_cost",
    "gross_margin_rate",
    "discount_rate",
    "payment_fee_rate",
    "logistics_cost_per_order",
    "contribution_margin_per_order",
    "net_margin_rate",
}
_SALES = {"average_order_value", "return_rate"}


@dataclass(frozen=True)
class Shown:
    """A decision that a report showed. `edge` is the usual range's crossed end, the limit or the target."""

    last_day: date  # of the report's period
    kpi: str
    cause: Cause
    kpi_last_day: date  # of the KPI's own period, earlier where it takes long to mature
    value: Decimal
    edge: Decimal


@dataclass(frozen=True)
class FollowUp:
    """What became of it: `since` is the last day of the first week of those that are well again."""

    shown: Shown
    state: Literal["recovered", "open", "unknown"]
    value: Decimal | None
    since: date | None = None


def weekly_worth(signal: Signal, values: Mapping[str, Value], band: Band | None) -> Decimal | None:
    """Money a week lost against the middle of the usual range, the limit or the target; None when untold."""
    now = values[signal.kpi]
    usual = band.middle if band is not None else None
    expected = usual if signal.cause is Cause.UNUSUAL else signal.limit
    rate = _money_of_one(signal.kpi, values)
    if expected is None or rate is None or now.value is None or now.denominator is None:
        return None
    return abs(now.value - expected) * now.denominator * rate


def _money_of_one(kpi: str, values: Mapping[str, Value]) -> Decimal | None:
    if kpi in _MONEY:
        return Decimal(1)
    key = (
        "contribution_margin_per_order"
        if kpi == "conversion_rate"
        else "gross_margin_rate"
        if kpi in _SALES
        else None
    )
    one = values.get(key) if key is not None else None
    # An order that earns nothing is no loss when it stays away.
    return one.value if one is not None and one.state is State.OK and one.value and one.value > 0 else None


def edge_of(signal: Signal, value: Decimal, band: Band | None) -> Decimal:
    """What the value would have to come back over."""
    if signal.limit is not None:
        return signal.limit
    assert band is not None
    return band.low if value < band.low else band.high


def follow_up(kpi: Kpi, shown: Shown, weeks: Mapping[date, Decimal | None]) -> FollowUp:
    """Whether the newest week is back over the edge as it stood then, and since which week without a break.

    The edge of then, because a range learned from bad weeks would call them usual.
    """
    after = [(day, weeks[day]) for day in sorted(weeks) if day > shown.kpi_last_day]
    if not after or after[-1][1] is None:
        return FollowUp(shown, "unknown", None)
    since: date | None = None
    for day, value in reversed(after):
        if value is None or _is_beyond(kpi, shown, value):
            break
        since = day
    return FollowUp(shown, "recovered" if since else "open", after[-1][1], since)


def _is_beyond(kpi: Kpi, shown: Shown, value: Decimal) -> bool:
    if kpi.good in ("up", "down"):
        return is_worse(kpi, value, shown.edge)
    return value < shown.edge if shown.value < shown.edge else value > shown.edge
