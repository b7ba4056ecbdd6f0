"""The catalogue's worked week, number by number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.oracle import Oracle

from .oracle_shop import (
    TOTAL,
    A,
    B,
    C,
    SmallShop,
    back_on_shelf,
    gift_card,
    goodwill,
    later,
    on_day,
    paris,
    shipping,
    sold,
    taken_back,
)

MONDAY, SUNDAY = date(2026, 10, 19), date(2026, 10, 25)
DAYS = [f"2026-10-{number}" for number in range(19, 26)]


def build_worked_week() -> SmallShop:
    week = SmallShop(MONDAY)
    week.shop.rates = {date(2026, 10, 22): {"USD": "1.20"}, date(2026, 10, 23): {"USD": "1.16"}}
    back = later("refund", paris("2026-10-25 15:00"), taken_back(B), restocks=(back_on_shelf(B),))
    week.order(
        paris("2026-10-19 10:00"), sold(A), sold(B), shipping(400), email="alice@example.com", after=(back,)
    )
    sorry = later("refund", paris("2026-10-25 16:00"), goodwill(500))
    week.order(paris("2026-10-20 23:30"), sold(A, 2, discount=1000), email="bob@example.com", after=(sorry,))
    week.order(paris("2026-10-21 00:30"), sold(B), email=" Alice@Example.com")
    week.order(paris("2026-10-21 12:00"), sold(C))
    week.order(paris("2026-10-22 09:00"), gift_card(5000), email="carol@example.com")
    week.order(paris("2026-10-22 10:00"), sold(A), email="dave@example.com", gift_card_paid=5000)
    week.order(paris("2026-10-23 09:00"), sold(A), email="test@example.com", test=True)
    week.order(
        paris("2026-10-23 10:00"), sold(A), email="erin@example.com", voided_at=paris("2026-10-23 11:00")
    )
    cancelled_at = paris("2026-10-24 11:00")
    all_back = (back_on_shelf(A), back_on_shelf(B, 2))
    cancellation = later("cancel", cancelled_at, taken_back(A), taken_back(B, 2), restocks=all_back)
    week.order(
        paris("2026-10-23 12:00"),
        sold(A),
        sold(B, 2),
        email="frank@example.com",
        after=(cancellation,),
        cancelled_at=cancelled_at,
    )
    week.order(
        paris("2026-10-24 18:00"),
        sold(A, gross=5800),
        email="grace@example.com",
        country="US",
        currency="USD",
    )
    week.order(paris("2026-10-25 02:30", second_time=True), sold(A), email="heidi@example.com", country="BE")
    return week


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return build_worked_week().oracle("2026-10-26 06:00")


def of_week(oracle: Oracle, kpi: str) -> tuple[Decimal, Decimal | None]:
    return oracle.compute_period(kpi, MONDAY, SUNDAY)[TOTAL]


@pytest.mark.parametrize(
    ("kpi", "daily", "week"),
    [
        ("gross_merchandise_value", (70, 100, 30, 50, 90, 50, 50), 440),
        ("net_sales", (70, 90, 30, 50, 90, -40, 25), 315),
        ("orders", (1, 1, 2, 1, 1, 1, 1), 8),
    ],
)
def test_flows_of_the_table(oracle: Oracle, kpi: str, daily: tuple[int, ...], week: int) -> None:
    assert tuple(on_day(oracle, kpi, day)[TOTAL] for day in DAYS) == daily
    assert of_week(oracle, kpi) == (week, None)


@pytest.mark.parametrize(
    ("part", "daily"),
    [
        ("gross", (70, 100, 30, 50, 90, 50, 50)),
        ("discounts", (0, 10, 0, 0, 0, 0, 0)),
        ("returns", (0, 0, 0, 0, 0, 90, 25)),
        ("net", (70, 90, 30, 50, 90, -40, 25)),
        ("cost_of_goods", (28, 40, 8, 20, 36, 20 - 36, 20 - 8)),
        ("shipping_income", (4, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_parts_of_the_table(oracle: Oracle, part: str, daily: tuple[int, ...]) -> None:
    facts = oracle.order_facts()
    assert tuple(facts[date.fromisoformat(day)][part] for day in DAYS) == daily


@pytest.mark.parametrize(
    ("kpi", "numerator", "denominator"),
    [
        ("average_order_value", 430, 8),
        ("units_per_order", 12, 8),
        ("discount_rate", 10, 440),
        ("gross_margin_rate", 177, 305),
    ],
)
def test_ratios_of_the_paragraph(oracle: Oracle, kpi: str, numerator: int, denominator: int) -> None:
    assert of_week(oracle, kpi) == (numerator, denominator)


def test_coverage_of_the_margin(oracle: Oracle) -> None:
    coverage = oracle.compute_coverage("gross_margin_rate")
    numerators = [value[0] for (_, *cut), value in coverage.items() if tuple(cut) == TOTAL]
    denominators = [value[1] or 0 for (_, *cut), value in coverage.items() if tuple(cut) == TOTAL]
    assert (sum(numerators), sum(denominators)) == (430, 440)


def test_segments_of_the_week(oracle: Oracle) -> None:
    net = oracle.compute_period("net_sales", MONDAY, SUNDAY)
    assert {cut: value[0] for cut, value in net.items() if value[0]} == {
        TOTAL: 315,
        ("channel", "Direct"): 315,
        ("device", "desktop"): 315,
        ("shop", "shop"): 315,
        ("country", "FR"): 215,
        ("country", "US"): 50,
        ("country", "BE"): 50,
        ("product", "A"): 290,  # gross 350 - discount 10 - cancelled 50
        ("product", "B"): 20,  # gross 80 - cancelled 40 - returned 20
        ("product", "C"): 10,
        ("product", "unknown"): -5,  # the goodwill belongs to no article
    }


def test_nothing_is_said_of_the_current_day() -> None:
    sunday_evening = build_worked_week().oracle("2026-10-25 23:59")
    assert sunday_evening.as_of_day == date(2026, 10, 24)
    assert max(day for day, _, _ in sunday_evening.compute("net_sales")) == date(2026, 10, 24)
