"""What a signal costs a week or a month, which signals are decided on, and whether a KPI recovered after that.

Worth is told only where the period's own numbers say it: the distance from what was to be expected, times what it
applies to, as contribution before marketing. Orders that stayed away are worth what an order of the period left,
sales that stayed away their gross margin, an article that is out what the articles that are in sold on a day. A KPI
without such a reading has none rather than a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.signals import STEERING, Cause, Signal, is_worse
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State, Value

# What one unit of the KPI's numerator is: money itself, an order, sales of which the margin is lost.
_MONEY = {
    "contribution_margin",
    "contribution_margin_per_order",
    "cost_per_click",
    "customer_acquisition_cost",
    "discount_rate",
    "gross_margin_rate",
    "logistics_cost_per_order",
    "marketing_roi",
    "net_margin_rate",
    "paid_acquisition_cost",
    "payment_fee_rate",
}
_ORDERS = {
    "cart_abandonment_rate",
    "checkout_abandonment_rate",
    "conversion_rate",
    "mobile_cart_abandonment_rate",
    "mobile_conversion_rate",
}
_SALES = {"average_order_value", "mobile_average_order_value", "return_rate"}
# Who loses the same money: told once, by the first of them.
_SAME_MONEY = (
    {*_ORDERS, "add_to_cart_rate"},
    {"average_order_value", "mobile_average_order_value", "units_per_order"},
    {"customer_acquisition_cost", "cost_per_click", "ltv_to_cac", "marketing_roi", "paid_acquisition_cost"},
    {
        "gross_margin_rate", "net_margin_rate", "contribution_margin", "contribution_margin_per_order",
        "discount_rate", "logistics_cost_per_order", "payment_fee_rate",
    },
)  # fmt: skip


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


@dataclass(frozen=True)
class Beyond:
    """The segment that is furthest beyond a limit, by what it has too much or too little of."""

    dimension: str
    segment: str
    value: Decimal


def period_worth(signal: Signal, values: Mapping[str, Value], band: Band | None) -> Decimal | None:
    """Money lost in the period against the middle of the usual range, the limit or the target; None when untold."""
    now = values[signal.kpi]
    usual = band.middle if band is not None else None
    expected = usual if signal.cause is Cause.UNUSUAL else signal.limit
    if expected is None or now.value is None:
        return None
    if signal.kpi in ("lifetime_value", "ltv_to_cac"):
        return _worth_of_customers(signal.kpi, now.value, expected, values)
    rate = _money_of_one(signal.kpi, values)
    if rate is None:
        return None
    return abs(now.value - expected) * (now.denominator if now.denominator is not None else 1) * rate


def _worth_of_customers(
    kpi: str, value: Decimal, expected: Decimal, values: Mapping[str, Value]
) -> Decimal | None:
    """Of the period's new customers: what each will bring less, or costs more than the ratio allows."""
    customers, lifetime = _ok(values, "new_customers"), _ok(values, "lifetime_value")
    if customers is None or lifetime is None:
        return None
    if kpi == "lifetime_value":
        return abs(value - expected) * customers
    if not 0 < value < expected:
        return None
    return lifetime * (1 / value - 1 / expected) * customers


def _money_of_one(kpi: str, values: Mapping[str, Value]) -> Decimal | None:
    """What one unit of the numerator is worth; None where that is not known or nothing is earned with it."""
    if kpi in _MONEY:
        return Decimal(1)
    order, margin = _ok(values, "contribution_margin_per_order"), _ok(values, "gross_margin_rate")
    found: Decimal | None = None
    if kpi in _ORDERS:
        found = order
    elif kpi in _SALES:
        found = margin
    elif kpi == "add_to_cart_rate":
        abandoned = _ok(values, "cart_abandonment_rate")
        found = _times(order, None if abandoned is None else 1 - abandoned)
    elif kpi == "units_per_order":
        found = _times(margin, _quotient(values.get("average_order_value"), values.get(kpi)))
    elif kpi == "stockout_rate":
        found = _times(margin, _sold_by_article_day(values))
    # An order that earns nothing is no loss when it stays away.
    return found if found is not None and found > 0 else None


def _sold_by_article_day(values: Mapping[str, Value]) -> Decimal | None:
    """Sales of a day on which an article was in stock, as the mean of all articles on sale."""
    out, sales = values.get("stockout_rate"), values.get("average_order_value")
    if out is None or sales is None or sales.numerator is None:
        return None
    if out.numerator is None or out.denominator is None or out.denominator <= out.numerator:
        return None
    return sales.numerator / (out.denominator - out.numerator)


def _quotient(above: Value | None, below: Value | None) -> Decimal | None:
    """One numerator by another."""
    if above is None or below is None or above.numerator is None or not below.numerator:
        return None
    return above.numerator / below.numerator


def _times(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one * other


def _ok(values: Mapping[str, Value], key: str) -> Decimal | None:
    one = values.get(key)
    return one.value if one is not None and one.state is State.OK else None


def choose_decisions(
    found: Sequence[Signal], worths: Mapping[str, Decimal | None], at_most: int
) -> list[Signal]:
    """The signals to decide on by the money at stake, the given order among equals.

    Of signals that lose the same money one stands for all, a KPI that steers before the one that loses most; the
    others come after everything else.
    """
    # Sorting keeps the order of those that are worth as much, and of those whose worth nobody can tell.
    ranked = sorted(found, key=lambda one: -(worths[one.kpi] or Decimal(0)))
    firsts = {
        id(group): next(iter([one for one in mine if one.kpi in STEERING] or mine))
        for group in _SAME_MONEY
        if (mine := [one for one in ranked if one.kpi in group and worths[one.kpi] is not None])
    }
    first, later = list[Signal](), list[Signal]()
    for one in ranked:
        group = next((some for some in _SAME_MONEY if one.kpi in some), None)
        is_told = worths[one.kpi] is None or group is None or firsts[id(group)] == one
        (first if is_told else later).append(one)
    return [*first, *later][:at_most]


def find_beyond(
    kpi: Kpi, limit: Decimal, segments: Mapping[str, Iterable[tuple[str, Value]]]
) -> Beyond | None:
    """The segment of a ratio that has most too much, or too little, against the limit; None when none is beyond.

    Dimensions are compared by how much more of it their worst segment has than its weight.
    """
    best: tuple[Decimal, Beyond] | None = None
    for dimension, cuts in sorted(segments.items()):
        known = [
            (segment, one.value, one.denominator)
            for segment, one in cuts
            if one.state is State.OK and one.value is not None and one.denominator and one.denominator > 0
        ]
        worse = [one for one in known if is_worse(kpi, one[1], limit)]
        if len(known) < 2 or not worse:
            continue
        lost = sum((abs(value - limit) * weight for _, value, weight in worse), Decimal(0))
        segment, value, weight = max(worse, key=lambda one: (abs(one[1] - limit) * one[2], one[0]))
        excess = abs(value - limit) * weight / lost - weight / sum((one[2] for one in known), Decimal(0))
        if best is None or excess > best[0]:
            best = (excess, Beyond(dimension, segment, value))
    return best[1] if best is not None else None


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
