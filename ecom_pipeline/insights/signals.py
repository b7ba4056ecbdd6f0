"""Which KPIs call for a decision: a change that usual weeks do not explain, a limit crossed, a target missed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ecom_pipeline.insights.bands import Band
from ecom_pipeline.kpis.definition import Kpi

# What a shop decides on by the catalogue; the other KPIs with an action mostly move because one of these did.
STEERING = (
    "conversion_rate",
    "average_order_value",
    "customer_acquisition_cost",
    "lifetime_value",
    "return_rate",
    "gross_margin_rate",
)


class Cause(StrEnum):
    """Why a KPI is a signal, the strongest reason first."""

    UNUSUAL = "unusual"
    LIMIT = "limit"
    TARGET = "target"


@dataclass(frozen=True)
class Signal:
    """A KPI that went the wrong way. `size` orders signals of one cause; `limit` is what was crossed."""

    kpi: str
    cause: Cause
    size: Decimal
    limit: Decimal | None = None


def is_worse(kpi: Kpi, value: Decimal, than: Decimal) -> bool:
    """Whether a value is on the bad side of another; never for KPIs that are neither good nor bad."""
    if kpi.good == "zero":
        return abs(value) > abs(than)
    return value < than if kpi.good == "up" else value > than if kpi.good == "down" else False


def compute_unusual(kpi: Kpi, value: Decimal | None, band: Band | None) -> Signal | None:
    """A signal when the value left its band on the bad side; its size in robust deviations."""
    if value is None or band is None or kpi.good == "neutral":
        return None
    is_high, is_low = value > band.high, value < band.low
    bad = {"up": is_low, "down": is_high, "zero": is_high or is_low}[kpi.good]
    return Signal(kpi.key, Cause.UNUSUAL, abs(band.surprise(value))) if bad else None


def compute_limit(kpi: Kpi, value: Decimal | None) -> Signal | None:
    """A signal when the value is beyond a limit of the field; its size relative to the limit."""
    if value is None or kpi.reference is None:
        return None
    least, most = kpi.reference.at_least, kpi.reference.at_most
    if kpi.reference.between is not None:
        low, high = kpi.reference.between
        least, most = (low, None) if kpi.good == "up" else (None, high) if kpi.good == "down" else (low, high)
    for limit, is_crossed in (
        (least, least is not None and value < least),
        (most, most is not None and value > most),
    ):
        if limit is not None and is_crossed:
            return Signal(kpi.key, Cause.LIMIT, _relative(value, limit), limit)
    return None


def compute_missed(kpi: Kpi, value: Decimal | None, target: Decimal | None) -> Signal | None:
    """A signal when the shop's own target is missed; its size relative to the target."""
    if value is None or target is None or not is_worse(kpi, value, target):
        return None
    return Signal(kpi.key, Cause.TARGET, _relative(value, target), target)


def choose_signals(signals: list[Signal], at_most: int, first: Collection[str] = ()) -> list[Signal]:
    """The strongest signals, one for each KPI: unusual before limits before targets, larger first.

    Among signals of one cause the KPIs in `first` come first: many KPIs move with the few that steer.
    """
    order = list(Cause)
    ranked = sorted(
        signals,
        key=lambda signal: (order.index(signal.cause), signal.kpi not in first, -signal.size, signal.kpi),
    )
    chosen: dict[str, Signal] = {}
    for signal in ranked:
        chosen.setdefault(signal.kpi, signal)
    return list(chosen.values())[:at_most]


def _relative(value: Decimal, limit: Decimal) -> Decimal:
    return abs(value - limit) / abs(limit) if limit else abs(value)
