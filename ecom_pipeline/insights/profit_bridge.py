"""The way from net sales to net result, one cost at a time, every step taken from the KPIs themselves.

No step is estimated: what the KPIs do not tell apart stands in one step of its own, so the bridge adds up to
the cent and shows how much of it is not itemised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ecom_pipeline.kpis.values import State, Value

_NEEDED = ("net_sales", "contribution_margin")


@dataclass(frozen=True)
class BridgeStep:
    """A total stands from zero to `amount`; a change moves on from where the step before ended."""

    key: str
    amount: Decimal
    kind: Literal["total", "change"]


def compute_profit_bridge(values: Mapping[str, Value]) -> tuple[BridgeStep, ...]:
    """Steps from net sales to contribution margin and, when fixed costs are known, to net result.

    Empty when net sales or contribution margin is not available. Shipping income is no KPI: it is what remains
    when all costs are known; when one is not, that cost and shipping income stand together as "not_itemised".
    """
    if any(key not in values or values[key].state is not State.OK for key in _NEEDED):
        return ()
    net_sales, contribution = _numerator(values["net_sales"]), _numerator(values["contribution_margin"])
    costs = {key: cost for key, cost in _costs(values).items() if cost is not None}
    is_itemised = len(costs) == len(_costs(values))
    rest = contribution - net_sales + sum(costs.values(), Decimal(0))
    changes = {key: -cost for key, cost in costs.items()}
    changes["shipping_income" if is_itemised else "not_itemised"] = rest
    order = ("cost_of_goods", "shipping_income", "logistics", "payment_fees", "marketing", "not_itemised")
    steps = [BridgeStep("net_sales", net_sales, "total")]
    steps += [BridgeStep(key, changes[key], "change") for key in order if key in changes]
    steps.append(BridgeStep("contribution_margin", contribution, "total"))
    result = values.get("net_margin_rate")
    if result is not None and result.numerator is not None and result.state in (State.OK, State.UNDEFINED):
        steps.append(BridgeStep("fixed_costs", result.numerator - contribution, "change"))
        steps.append(BridgeStep("net_result", result.numerator, "total"))
    return tuple(steps)


def _costs(values: Mapping[str, Value]) -> dict[str, Decimal | None]:
    return {
        "cost_of_goods": _cost_of_goods(values.get("gross_margin_rate")),
        "logistics": _known(values.get("logistics_cost_per_order")),
        "payment_fees": _known(values.get("payment_fee_rate")),
        "marketing": _known(values.get("customer_acquisition_cost")),
    }


def _cost_of_goods(margin: Value | None) -> Decimal | None:
    if margin is None or margin.numerator is None or margin.denominator is None:
        return None
    return margin.denominator - margin.numerator


def _known(value: Value | None) -> Decimal | None:
    return value.numerator if value is not None else None


def _numerator(value: Value) -> Decimal:
    assert value.numerator is not None
    return value.numerator
