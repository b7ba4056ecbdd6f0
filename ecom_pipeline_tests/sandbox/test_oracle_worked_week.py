"""The catalogue's worked week, number by number."""

from __future__ import annotations

from datetime import date

import pytest

from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.sandbox.worked_week import worked_week_shop

from .oracle_shop import NO_COSTS, TOTAL, by_day, nonzero, on_day, over_period, paris

DAYS = [f"2026-10-{number}" for number in range(19, 26)]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(worked_week_shop(), NO_COSTS, paris("2026-10-26 06:00"))


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
    assert over_period(oracle, kpi, DAYS[0], DAYS[-1])[TOTAL] == week


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
    assert over_period(oracle, kpi, DAYS[0], DAYS[-1])[TOTAL] == (numerator, denominator)


def test_coverage_of_the_margin(oracle: Oracle) -> None:
    coverage = oracle.compute_coverage("gross_margin_rate")
    numerators = [value[0] for (_, *cut), value in coverage.items() if tuple(cut) == TOTAL]
    denominators = [value[1] or 0 for (_, *cut), value in coverage.items() if tuple(cut) == TOTAL]
    assert (sum(numerators), sum(denominators)) == (430, 440)


def test_segments_of_the_week(oracle: Oracle) -> None:
    assert nonzero(over_period(oracle, "net_sales", DAYS[0], DAYS[-1])) == {
        TOTAL: 315,
        ("channel", "Direct"): 315,
        ("device", "desktop"): 315,
        ("shop", "shop"): 315,
        ("country", "FR"): 215,
        ("country", "US"): 50,
        ("country", "BE"): 50,
        ("product", "Article A"): 290,  # gross 350 - discount 10 - cancelled 50
        ("product", "Article B"): 20,  # gross 80 - cancelled 40 - returned 20
        ("product", "Article C"): 10,
        ("product", "unknown"): -5,  # the goodwill belongs to no article
    }


def test_customers_of_the_paragraph(oracle: Oracle) -> None:
    assert nonzero(by_day(oracle, "new_customers")) == {
        "2026-10-19": 1,  # Alice
        "2026-10-20": 1,  # Bob
        "2026-10-22": 1,  # Dave
        "2026-10-24": 1,  # Grace
        "2026-10-25": 1,  # Heidi, on the day of 25 hours
    }
    assert over_period(oracle, "new_customers", DAYS[0], DAYS[-1])[TOTAL] == 5
    assert over_period(oracle, "repeat_purchase_rate", DAYS[0], DAYS[-1])[TOTAL] == (1, 5)


def test_the_cancellation_takes_back_the_new_customer_of_friday() -> None:
    saturday_morning = Oracle(worked_week_shop(), NO_COSTS, paris("2026-10-24 06:00"))
    assert by_day(saturday_morning, "new_customers")["2026-10-23"] == 1


def test_sunday_segment_by_segment(oracle: Oracle) -> None:
    rows = nonzero(on_day(oracle, "net_sales", "2026-10-25"))
    assert rows == {
        TOTAL: 25,
        ("channel", "Direct"): 25,
        ("device", "desktop"): 25,
        ("shop", "shop"): 25,
        ("country", "FR"): -25,
        ("country", "BE"): 50,
        ("product", "Article A"): 50,
        ("product", "Article B"): -20,
        ("product", "unknown"): -5,
    }


def test_nothing_is_said_of_the_current_day() -> None:
    sunday_evening = Oracle(worked_week_shop(), NO_COSTS, paris("2026-10-25 23:59"))
    assert sunday_evening.as_of_day == date(2026, 10, 24)
    assert max(day for day, _, _ in sunday_evening.compute("net_sales")) == date(2026, 10, 24)
