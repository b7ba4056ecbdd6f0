"""What a signal costs, and whether it is over."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.insights.actions import (
    Beyond,
    Shown,
    choose_decisions,
    edge_of,
    find_beyond,
    follow_up,
    period_worth,
)
from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.signals import Cause, Signal
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import State, Value

WEEK = date(2026, 11, 1)
CONVERSION = Shown(WEEK, "conversion_rate", Cause.UNUSUAL, WEEK, Decimal("0.015"), Decimal("0.02"))
BAND = Band(Decimal("0.025"), Decimal("0.02"), Decimal("0.03"), Decimal("0.002"))


def _ratio(numerator: str, denominator: str) -> Value:
    return Value(
        Decimal(numerator) / Decimal(denominator), State.OK, Decimal(numerator), Decimal(denominator)
    )


VALUES = {
    "conversion_rate": _ratio("150", "10000"),
    "customer_acquisition_cost": _ratio("3000", "100"),
    "average_order_value": _ratio("9000", "150"),
    "return_rate": _ratio("800", "8000"),
    "gross_margin_rate": _ratio("4000", "8000"),
    "contribution_margin_per_order": _ratio("1800", "150"),
    "sessions": Value(Decimal(10000), State.OK, Decimal(10000)),
    "cart_abandonment_rate": _ratio("450", "600"),
    "checkout_abandonment_rate": _ratio("150", "300"),
    "add_to_cart_rate": _ratio("600", "10000"),
    "units_per_order": _ratio("300", "150"),
    "stockout_rate": _ratio("40", "400"),
    "cost_per_click": _ratio("2000", "4000"),
    "marketing_roi": _ratio("-600", "3000"),
    "contribution_margin": Value(Decimal(1800), State.OK, Decimal(1800)),
    "new_customers": Value(Decimal(100), State.OK, Decimal(100)),
    "lifetime_value": _ratio("60000", "1000"),
    "ltv_to_cac": _ratio("2", "1"),
}


@pytest.mark.parametrize(
    ("kpi", "expected", "worth"),
    [
        ("conversion_rate", "0.025", 100 * 12),  # orders that did not come, by contribution of an order
        ("customer_acquisition_cost", "25", 5 * 100),  # too much for each new customer
        ("average_order_value", "66", 6 * 150 / 2),  # sales that did not come, by gross margin
        ("return_rate", "0.05", 400 / 2),  # sales that came back, by gross margin
        ("gross_margin_rate", "0.55", 400),
        ("cart_abandonment_rate", "0.70", 30 * 12),  # carts that used to be bought
        ("checkout_abandonment_rate", "0.40", 30 * 12),
        ("add_to_cart_rate", "0.08", 200 * 12 / 4),  # one cart in four is bought
        ("units_per_order", "2.2", 30 * 30 / 2),  # articles at 30 each, by gross margin
        ("stockout_rate", "0.05", 20 * 25 / 2),  # article-days at 9000 / 360 of sales, by gross margin
        ("cost_per_click", "0.40", 400),
        ("marketing_roi", "0", 600),
        ("contribution_margin", "2500", 700),
        ("lifetime_value", "65", 500),  # the week's new customers bring so much less
        ("ltv_to_cac", "3", 100 * (30 - 20)),  # and cost 30 where a third of 60 would be right
    ],
)
def test_the_worth_of_a_week_by_hand(kpi: str, expected: str, worth: float) -> None:
    limit = Signal(kpi, Cause.LIMIT, Decimal(1), Decimal(expected))
    assert period_worth(limit, VALUES, None) == Decimal(str(worth))
    usual = Band(Decimal(expected), Decimal(0), Decimal(99), Decimal(1))
    assert period_worth(Signal(kpi, Cause.UNUSUAL, Decimal(4)), VALUES, usual) == Decimal(str(worth))


def test_what_cannot_be_told_is_not_guessed() -> None:
    signal = Signal("conversion_rate", Cause.UNUSUAL, Decimal(4))
    assert period_worth(Signal("sessions", Cause.UNUSUAL, Decimal(4)), VALUES, BAND) is None
    unknown = Value(None, State.MISSING)
    assert period_worth(signal, VALUES | {"contribution_margin_per_order": unknown}, BAND) is None
    assert period_worth(signal, VALUES | {"contribution_margin_per_order": _ratio("-5", "150")}, BAND) is None
    ratio = Signal("ltv_to_cac", Cause.LIMIT, Decimal(1), Decimal(3))
    assert period_worth(ratio, VALUES | {"new_customers": unknown}, None) is None
    out = Signal("stockout_rate", Cause.LIMIT, Decimal(1), Decimal("0.05"))
    assert period_worth(out, VALUES | {"stockout_rate": _ratio("400", "400")}, None) is None, "nothing was in"


def _signals(*names: str) -> list[Signal]:
    return [Signal(name, Cause.UNUSUAL, Decimal(4)) for name in names]


def test_decisions_stand_by_their_money_and_tell_the_same_money_once() -> None:
    worths = {
        "stockout_rate": Decimal(50), "cart_abandonment_rate": Decimal(400), "conversion_rate": Decimal(300),
        "return_rate": Decimal(100), "bounce_rate": None, "checkout_abandonment_rate": Decimal(350),
    }  # fmt: skip
    told = choose_decisions(_signals(*worths), worths, 6)
    assert [one.kpi for one in told] == [
        "conversion_rate", "return_rate", "stockout_rate", "bounce_rate",
        "cart_abandonment_rate", "checkout_abandonment_rate",
    ]  # fmt: skip
    del worths["conversion_rate"]
    told = choose_decisions(_signals(*worths), worths, 3)
    assert [one.kpi for one in told] == ["cart_abandonment_rate", "return_rate", "stockout_rate"]


def test_equals_keep_their_order() -> None:
    names = ("conversion_rate", "bounce_rate", "complaint_rate")
    worths: dict[str, Decimal | None] = dict.fromkeys(names)
    assert [one.kpi for one in choose_decisions(_signals(*names), worths, 3)] == list(names)


def test_what_is_beyond_a_limit_is_named_by_what_it_lacks() -> None:
    kpi, limit = kpis()["ltv_to_cac"], Decimal(3)
    channels = [("ads", _ratio("200", "100")), ("tiny", _ratio("1", "1")), ("mail", _ratio("500", "100"))]
    assert find_beyond(kpi, limit, {"channel": channels}) == Beyond("channel", "ads", Decimal(2))
    assert find_beyond(kpi, limit, {"channel": channels[2:]}) is None
    assert find_beyond(kpi, limit, {"channel": [("ads", _ratio("500", "100")), channels[2]]}) is None
    even = [("new", _ratio("240", "100")), ("old", _ratio("240", "100"))]
    assert find_beyond(kpi, limit, {"age": even, "channel": channels}) == Beyond("channel", "ads", Decimal(2))


def test_the_edge_is_the_one_that_was_crossed() -> None:
    unusual = Signal("payout_gap", Cause.UNUSUAL, Decimal(4))
    assert edge_of(unusual, Decimal("0.01"), BAND) == Decimal("0.02")
    assert edge_of(unusual, Decimal("0.04"), BAND) == Decimal("0.03")
    assert edge_of(Signal("ltv_to_cac", Cause.LIMIT, Decimal(1), Decimal(3)), Decimal(2), None) == 3


@pytest.mark.parametrize(
    ("values", "state", "since"),
    [
        (["0.014", "0.021", "0.022"], "recovered", 2),
        (["0.021", "0.014", "0.022"], "recovered", 3),
        (["0.021", "0.022", "0.0199"], "open", None),
        (["0.021", None, "0.022"], "recovered", 3),
        (["0.021", "0.022", None], "unknown", None),
        ([], "unknown", None),
    ],
)
def test_recovered_means_back_over_the_edge_of_then_without_a_break(
    values: list[str | None], state: str, since: int | None
) -> None:
    weeks = {
        WEEK + timedelta(weeks=index + 1): None if one is None else Decimal(one)
        for index, one in enumerate(values)
    }
    weeks[WEEK] = Decimal("0.015")
    weeks[WEEK - timedelta(weeks=1)] = Decimal("0.025")
    found = follow_up(kpis()["conversion_rate"], CONVERSION, weeks)
    assert (found.state, found.since) == (state, WEEK + timedelta(weeks=since) if since else None)


def test_a_gap_to_zero_recovers_from_the_side_it_left_to() -> None:
    shown = Shown(WEEK, "payout_gap", Cause.UNUSUAL, WEEK, Decimal(-50), Decimal(-5))
    weeks: dict[date, Decimal | None] = {WEEK + timedelta(weeks=1): Decimal(-6)}
    assert follow_up(kpis()["payout_gap"], shown, weeks).state == "open"
    weeks[WEEK + timedelta(weeks=2)] = Decimal(0)
    assert follow_up(kpis()["payout_gap"], shown, weeks).state == "recovered"
