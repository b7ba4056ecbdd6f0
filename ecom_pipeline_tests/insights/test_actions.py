"""What a signal costs, and whether it is over."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.insights.actions import Shown, edge_of, follow_up, weekly_worth
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
}


@pytest.mark.parametrize(
    ("kpi", "expected", "worth"),
    [
        ("conversion_rate", "0.025", 100 * 12),  # orders that did not come, by contribution of an order
        ("customer_acquisition_cost", "25", 5 * 100),  # too much for each new customer
        ("average_order_value", "66", 6 * 150 / 2),  # sales that did not come, by gross margin
        ("return_rate", "0.05", 400 / 2),  # sales that came back, by gross margin
        ("gross_margin_rate", "0.55", 400),
    ],
)
def test_the_worth_of_a_week_by_hand(kpi: str, expected: str, worth: float) -> None:
    limit = Signal(kpi, Cause.LIMIT, Decimal(1), Decimal(expected))
    assert weekly_worth(limit, VALUES, None) == Decimal(str(worth))
    usual = Band(Decimal(expected), Decimal(0), Decimal(99), Decimal(1))
    assert weekly_worth(Signal(kpi, Cause.UNUSUAL, Decimal(4)), VALUES, usual) == Decimal(str(worth))


def test_what_cannot_be_told_is_not_guessed() -> None:
    signal = Signal("conversion_rate", Cause.UNUSUAL, Decimal(4))
    assert weekly_worth(Signal("sessions", Cause.UNUSUAL, Decimal(4)), VALUES, BAND) is None
    unknown = Value(None, State.MISSING)
    assert weekly_worth(signal, VALUES | {"contribution_margin_per_order": unknown}, BAND) is None
    assert weekly_worth(signal, VALUES | {"contribution_margin_per_order": _ratio("-5", "150")}, BAND) is None


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
