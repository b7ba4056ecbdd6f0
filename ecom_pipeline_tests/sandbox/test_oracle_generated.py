"""On a generated shop nothing can be told by hand, but the segments of every cut must make up the total."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle import Oracle

from .oracle_shop import TOTAL, paris

COUNTED_TWICE = {
    "a buyer of two segments is in both": (
        "repeat_purchase_rate",
        "returning_customer_rate",
        "churn_rate",
        "purchase_frequency",
    ),
    "a product of factors does not add up": ("ltv_to_cac", "cac_payback_days"),
    "a median of parts is no part of a median": (
        "order_cycle_time",
        "order_cycle_time_p90",
        "time_to_ship",
        "time_in_transit",
        "first_response_time",
    ),
    "shares of groups have no total": ("workforce_diversity", "management_diversity"),
    "a window's length stands in it": ("days_of_stock", "inventory_turnover"),
}
NOT_ADDITIVE = {kpi for kpis in COUNTED_TWICE.values() for kpi in kpis}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    shop = generate_shop(3, date(2026, 4, 1), date(2026, 7, 31), orders_per_day=4)
    return Oracle(shop, shop_costs(4), paris("2026-07-20 06:00"), churn_window_days=30)


def test_the_segments_of_every_cut_make_up_the_total(oracle: Oracle) -> None:
    for kpi in oracle.kpis():
        sums: defaultdict[tuple[date, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for (day, dimension, _), (numerator, denominator) in oracle.compute(kpi).items():
            sums[day, dimension][0] += numerator
            sums[day, dimension][1] += denominator or 0
        for (day, dimension), summed in sums.items():
            if kpi not in NOT_ADDITIVE:
                assert summed == sums[day, TOTAL[0]], (kpi, day, dimension)


def test_a_generated_shop_gives_figures_to_every_kpi_that_needs_no_year(oracle: Oracle) -> None:
    silent = {kpi for kpi in oracle.kpis() if not oracle.compute(kpi)}
    of_a_year = {"lifetime_value", "ltv_to_cac", "runway_months", "inventory_turnover"}
    assert silent <= of_a_year | {"influencer_sales", "influencer_cost"}, "it pays no influencers"


def test_money_is_exact_to_four_decimals(oracle: Oracle) -> None:
    for kpi in oracle.kpis():
        for numerator, denominator in oracle.compute(kpi).values():
            assert numerator == round(numerator, 4)
            assert denominator is None or denominator == round(denominator, 4)


def test_no_day_is_told_outside_of_the_reported_ones(oracle: Oracle) -> None:
    for kpi in oracle.kpis():
        days = {day for day, _, _ in oracle.compute(kpi)}
        assert all(date(2026, 4, 1) <= day <= date(2026, 7, 19) for day in days), kpi
