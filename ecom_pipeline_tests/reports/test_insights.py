"""What is usual, what drove a change and what calls for a decision, on numbers small enough to check by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_pipeline.insights.bands import compute_band
from ecom_pipeline.insights.drivers import (
    Driver,
    Drivers,
    Parts,
    choose_drivers,
    compute_drivers,
    fold_drivers,
)
from ecom_pipeline.insights.profit_bridge import compute_profit_bridge
from ecom_pipeline.insights.signals import (
    Cause,
    Signal,
    choose_signals,
    compute_limit,
    compute_missed,
    compute_unusual,
)
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State, Value

AMOUNT = st.integers(-(10**9), 10**9)
WEIGHT = st.integers(0, 10**6)


def test_a_conversion_rate_that_breaks_is_still_found(catalogue: dict[str, Kpi]) -> None:
    weeks = [Decimal(one) / 10_000 for one in (226, 221, 233, 219, 228, 224, 231, 226, 222, 235, 217, 229)]
    signal = compute_unusual(catalogue["conversion_rate"], Decimal("0.0181"), compute_band(weeks))
    assert signal is not None and signal.size > 3


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(AMOUNT, WEIGHT, AMOUNT, WEIGHT), min_size=1))
def test_the_effects_of_a_ratio_add_up_exactly(cells: dict[str, tuple[int, int, int, int]]) -> None:
    before = {name: Parts(Fraction(cell[0], 10_000), Fraction(cell[1])) for name, cell in cells.items()}
    after = {name: Parts(Fraction(cell[2], 10_000), Fraction(cell[3])) for name, cell in cells.items()}
    totals = [
        Parts(
            sum((p.numerator for p in cut.values()), Fraction(0)),
            sum((p.denominator or Fraction(0) for p in cut.values()), Fraction(0)),
        )
        for cut in (before, after)
    ]
    drivers = compute_drivers("channel", before, after, *totals)
    if not (totals[0].denominator and totals[1].denominator):
        assert drivers is None
        return
    assert drivers is not None
    change = totals[1].numerator / totals[1].denominator - totals[0].numerator / totals[0].denominator
    assert sum(driver.mix + driver.rate for driver in drivers.drivers) == change == drivers.change
    assert sum(driver.effect for driver in fold_drivers(drivers.drivers, 2, "others")) == change


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(AMOUNT, AMOUNT), min_size=1))
def test_the_effects_of_a_flow_add_up_exactly(cells: dict[str, tuple[int, int]]) -> None:
    before = {name: Parts(Fraction(cell[0])) for name, cell in cells.items() if cell[0]}
    after = {name: Parts(Fraction(cell[1])) for name, cell in cells.items() if cell[1]}
    totals = [Parts(sum((p.numerator for p in cut.values()), Fraction(0))) for cut in (before, after)]
    drivers = compute_drivers("channel", before, after, *totals)
    assert drivers is not None
    assert sum(driver.effect for driver in drivers.drivers) == totals[1].numerator - totals[0].numerator


def test_rate_and_mix_are_told_apart() -> None:
    same_rates = compute_drivers(
        "device",
        {"mobile": Parts(Fraction(1), Fraction(100)), "desktop": Parts(Fraction(3), Fraction(100))},
        {"mobile": Parts(Fraction(2), Fraction(200)), "desktop": Parts(Fraction(3), Fraction(100))},
        Parts(Fraction(4), Fraction(200)),
        Parts(Fraction(5), Fraction(300)),
    )
    assert same_rates is not None
    assert all(driver.rate == 0 for driver in same_rates.drivers)
    assert same_rates.change == Fraction(5, 300) - Fraction(4, 200)
    same_weights = compute_drivers(
        "device",
        {"mobile": Parts(Fraction(2), Fraction(100)), "desktop": Parts(Fraction(3), Fraction(100))},
        {"mobile": Parts(Fraction(1), Fraction(100)), "desktop": Parts(Fraction(3), Fraction(100))},
        Parts(Fraction(5), Fraction(200)),
        Parts(Fraction(4), Fraction(200)),
    )
    assert same_weights is not None and same_weights.main is not None
    assert (same_weights.main.segment, same_weights.main.rate) == ("mobile", Fraction(-1, 200))
    assert all(driver.mix == 0 for driver in same_weights.drivers)


def test_when_rate_and_mix_change_together_each_has_its_own_part() -> None:
    drivers = compute_drivers(
        "device",
        {"mobile": Parts(Fraction(1), Fraction(100)), "desktop": Parts(Fraction(9), Fraction(300))},
        {"mobile": Parts(Fraction(4), Fraction(200)), "desktop": Parts(Fraction(4), Fraction(200))},
        Parts(Fraction(10), Fraction(400)),
        Parts(Fraction(8), Fraction(400)),
    )
    assert drivers is not None
    desktop, mobile = sorted(drivers.drivers, key=lambda driver: driver.segment)
    # Mobile: 3/8 of the weight on average, 1 point better; a quarter more weight, 0.75 points below the middle.
    assert (mobile.rate, mobile.mix) == (Fraction(3, 800), Fraction(-3, 1600))
    assert (desktop.rate, desktop.mix) == (Fraction(-5, 800), Fraction(-1, 1600))


def test_overlapping_segments_are_not_split() -> None:
    total = Parts(Fraction(10), Fraction(20))
    overlapping = {"a": Parts(Fraction(7), Fraction(15)), "b": Parts(Fraction(7), Fraction(15))}
    assert compute_drivers("channel", overlapping, overlapping, total, total) is None


def test_the_dimension_that_explains_more_than_its_size_is_chosen() -> None:
    def flows(dimension: str, before: dict[str, int], after: dict[str, int]) -> Drivers | None:
        first, second = ({name: Parts(Fraction(n)) for name, n in cut.items()} for cut in (before, after))
        totals = (Parts(Fraction(sum(cut.values()))) for cut in (before, after))
        return compute_drivers(dimension, first, second, *totals)

    even = flows("device", {"mobile": 80, "desktop": 20}, {"mobile": 64, "desktop": 16})
    odd = flows("channel", {"ads": 25, "direct": 75}, {"ads": 5, "direct": 75})
    assert choose_drivers([even, odd, None]) is odd


def test_folding_keeps_the_largest() -> None:
    zero = Fraction(0)
    drivers = [Driver(str(n), zero, zero, Fraction(n), zero, zero) for n in (9, 5, 3, 1)]
    assert [one.segment for one in fold_drivers(drivers, 2, "rest")] == ["9", "5", "rest"]
    assert fold_drivers(drivers, 2, "rest")[-1].effect == 4
    assert fold_drivers(drivers, 3, "rest") == drivers


def test_signals_are_bad_news_only(catalogue: dict[str, Kpi]) -> None:
    band = compute_band([Decimal(one) for one in (98, 99, 100, 101, 102, 100, 99, 101)])
    sales, cost, spend = (catalogue[key] for key in ("net_sales", "customer_acquisition_cost", "ad_spend"))
    assert compute_unusual(sales, Decimal(90), band) is not None
    assert compute_unusual(sales, Decimal(110), band) is None
    assert compute_unusual(cost, Decimal(110), band) is not None
    assert compute_unusual(cost, Decimal(90), band) is None
    assert compute_unusual(spend, Decimal(500), band) is None
    assert compute_unusual(sales, None, band) is None
    assert compute_unusual(sales, Decimal(90), None) is None


def test_limits_and_targets(catalogue: dict[str, Kpi]) -> None:
    ratio, conversion = catalogue["ltv_to_cac"], catalogue["conversion_rate"]
    assert compute_limit(ratio, Decimal("2.4")) == Signal(
        "ltv_to_cac", Cause.LIMIT, Decimal("0.2"), Decimal(3)
    )
    assert compute_limit(ratio, Decimal(3)) is None
    assert compute_limit(conversion, Decimal("0.019")) is not None
    assert compute_limit(conversion, Decimal("0.09")) is None, "better than the field is no signal"
    assert compute_limit(catalogue["cart_abandonment_rate"], Decimal("0.9")) is None, "around is no limit"
    missed = compute_missed(catalogue["return_rate"], Decimal("0.06"), Decimal("0.05"))
    assert missed is not None and (missed.cause, missed.size) == (Cause.TARGET, Decimal("0.2"))
    assert compute_missed(catalogue["return_rate"], Decimal("0.04"), Decimal("0.05")) is None


def test_stronger_reasons_come_first_and_a_kpi_once() -> None:
    signals = [
        Signal("a", Cause.TARGET, Decimal(9)),
        Signal("b", Cause.UNUSUAL, Decimal(2)),
        Signal("c", Cause.UNUSUAL, Decimal(3)),
        Signal("c", Cause.LIMIT, Decimal(9)),
        Signal("d", Cause.LIMIT, Decimal(1)),
    ]
    assert [(one.kpi, one.cause) for one in choose_signals(signals, 3)] == [
        ("c", Cause.UNUSUAL), ("b", Cause.UNUSUAL), ("d", Cause.LIMIT),
    ]  # fmt: skip


def test_the_kpis_that_steer_come_before_those_that_follow() -> None:
    signals = [Signal("cost_per_click", Cause.UNUSUAL, Decimal(9)), Signal("roas", Cause.UNUSUAL, Decimal(2))]
    assert [one.kpi for one in choose_signals(signals, 2, ("roas",))] == ["roas", "cost_per_click"]


def _ok(numerator: str, denominator: str | None = None) -> Value:
    return Value(Decimal(1), State.OK, Decimal(numerator), Decimal(denominator) if denominator else None)


BRIDGE_VALUES = {
    "net_sales": _ok("1000"),
    "gross_margin_rate": _ok("560", "960"),
    "logistics_cost_per_order": _ok("80", "10"),
    "payment_fee_rate": _ok("20", "1100"),
    "customer_acquisition_cost": _ok("150", "5"),
    "contribution_margin": _ok("400"),
    "net_margin_rate": _ok("-50", "1000"),
}


def test_the_bridge_adds_up_and_finds_shipping_income() -> None:
    steps = compute_profit_bridge(BRIDGE_VALUES)
    amounts = {step.key: step.amount for step in steps}
    assert amounts == {
        "net_sales": 1000, "cost_of_goods": -400, "shipping_income": 50, "logistics": -80, "payment_fees": -20,
        "marketing": -150, "contribution_margin": 400, "fixed_costs": -450, "net_result": -50,
    }  # fmt: skip
    level = Decimal(0)
    for step in steps:
        level = level + step.amount if step.kind == "change" else level
        assert step.kind == "change" or step.key == "net_sales" or level == step.amount
        level = step.amount if step.kind == "total" else level


@pytest.mark.parametrize("key", ["gross_margin_rate", "logistics_cost_per_order", "payment_fee_rate"])
def test_an_unknown_cost_goes_into_one_honest_step(key: str) -> None:
    steps = compute_profit_bridge({**BRIDGE_VALUES, key: Value(None, State.MISSING)})
    amounts = {step.key: step.amount for step in steps if step.kind == "change" and step.key != "fixed_costs"}
    assert "shipping_income" not in amounts
    assert 1000 + sum(amounts.values()) == 400
    assert "not_itemised" in amounts


def test_no_bridge_without_its_ends() -> None:
    assert compute_profit_bridge({**BRIDGE_VALUES, "contribution_margin": Value(None, State.MISSING)}) == ()
    short = compute_profit_bridge({**BRIDGE_VALUES, "net_margin_rate": Value(None, State.MISSING)})
    assert short[-1].key == "contribution_margin"
