"""Profit: goods, logistics, payment fees, monthly costs and returns, added up by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import (
    AdDay,
    LogisticsRate,
    MonthlyCost,
    Restock,
    SaleLine,
    ShopCosts,
    Visit,
)

from .oracle_shop import (
    NO_COSTS,
    TOTAL,
    A,
    B,
    C,
    SmallShop,
    back_on_shelf,
    balance,
    by_day,
    goodwill,
    later,
    nonzero,
    on_day,
    paris,
    shipped,
    shipping,
    sold,
    taken_back,
)

FIRST = date(2026, 3, 2)
PARCELS = ShopCosts(
    fixed=(),
    marketing=(),
    logistics=(LogisticsRate("FR", 500, 150, 50, 600), LogisticsRate("*", 1200, 150, 50, 1500)),
)


def test_goods_thrown_away_keep_their_cost() -> None:
    small = SmallShop(FIRST)
    broken = later(
        "refund",
        paris("2026-03-03 10:00"),
        taken_back(A, 2),
        restocks=(Restock(1, 1, restocked=False), Restock(1, 1, restocked=True)),
    )
    small.order(paris("2026-03-02 10:00"), sold(A, 2), after=(broken,))
    oracle = small.oracle("2026-03-04 06:00")
    assert on_day(oracle, "gross_margin_rate", "2026-03-02")[TOTAL] == (60, 100)
    assert on_day(oracle, "gross_margin_rate", "2026-03-03")[TOTAL] == (-80, -100)


def test_margin_leaves_out_articles_of_unknown_cost_and_their_returns() -> None:
    small = SmallShop(FIRST)
    back = later(
        "refund", paris("2026-03-03 10:00"), taken_back(C), goodwill(200), restocks=(back_on_shelf(C),)
    )
    small.order(paris("2026-03-02 10:00"), sold(A), sold(C, 3), after=(back,))
    oracle = small.oracle("2026-03-04 06:00")
    assert nonzero(on_day(oracle, "gross_margin_rate", "2026-03-02")) == {
        TOTAL: (30, 50),
        ("channel", "Direct"): (30, 50),
        ("country", "FR"): (30, 50),
        ("product", "A"): (30, 50),
    }
    assert on_day(oracle, "gross_margin_rate", "2026-03-03")["product", "unknown"] == (-2, -2)
    assert on_day(oracle, "gross_margin_rate", "2026-03-03")[TOTAL] == (-2, -2)
    known, whole = oracle.compute_coverage("gross_margin_rate")[FIRST, "total", ""]
    assert (known, whole) == (Decimal(50), Decimal(80))


def test_a_free_article_is_a_unit_and_has_a_cost() -> None:
    small = SmallShop(FIRST)
    back = later("refund", paris("2026-03-03 10:00"), taken_back(A, gross=0), restocks=(back_on_shelf(A),))
    small.order(paris("2026-03-02 10:00"), sold(A, gross=0), sold(B), after=(back,))
    oracle = small.oracle("2026-03-04 06:00")
    assert by_day(oracle, "gross_margin_rate") == {"2026-03-02": (-8, 20), "2026-03-03": (20, 0)}
    assert nonzero(by_day(oracle, "units_per_order")) == {"2026-03-02": (2, 1)}


def test_shipping_income_is_what_is_left_after_its_discount() -> None:
    small = SmallShop(FIRST)
    refund = later("refund", paris("2026-03-03 10:00"), SaleLine("shipping", -100, 0, 0))
    free = SaleLine("shipping", 400, 300, 0)
    small.order(paris("2026-03-02 10:00"), sold(C), free, after=(refund,))
    oracle = small.oracle("2026-03-04 06:00")
    assert by_day(oracle, "contribution_margin") == {"2026-03-02": 11, "2026-03-03": -1}
    assert nonzero(by_day(oracle, "net_sales")) == {"2026-03-02": 10}


def test_every_parcel_costs_but_the_order_is_shipped_once() -> None:
    small = SmallShop(FIRST)
    two = shipped(paris("2026-03-03 10:00"), paris("2026-03-05 10:00"))
    small.order(paris("2026-03-02 10:00"), sold(A), fulfillments=two)
    small.order(
        paris("2026-03-02 10:00"), sold(A), country="JP", fulfillments=shipped(paris("2026-03-03 12:00"))
    )
    oracle = small.oracle("2026-03-06 06:00", PARCELS)
    assert on_day(oracle, "logistics_cost_per_order", "2026-03-03") == {
        TOTAL: (21, 2),
        ("country", "FR"): (7, 1),
        ("country", "JP"): (14, 1),
    }
    assert on_day(oracle, "logistics_cost_per_order", "2026-03-05")[TOTAL] == (7, 0)


def test_return_freight_is_paid_once_for_each_refund_of_shipped_and_restocked_articles() -> None:
    small = SmallShop(FIRST)
    sent = shipped(paris("2026-03-03 10:00"))
    too_early = later("refund", paris("2026-03-03 10:00"), taken_back(B), restocks=(back_on_shelf(B),))
    comes_back = later(
        "refund",
        paris("2026-03-04 10:00"),
        taken_back(A),
        taken_back(B),
        restocks=(back_on_shelf(A), back_on_shelf(B)),
    )
    kept = later("refund", paris("2026-03-05 10:00"), taken_back(A), restocks=(Restock(1, 1, False),))
    small.order(
        paris("2026-03-02 10:00"),
        sold(A, 3),
        sold(B, 3),
        fulfillments=sent,
        after=(too_early, comes_back, kept),
    )
    rows = by_day(small.oracle("2026-03-06 06:00", PARCELS), "logistics_cost_per_order")
    assert nonzero(rows) == {"2026-03-03": (7, 1), "2026-03-04": (6, 0)}


def test_payment_fees_of_every_movement() -> None:
    small = SmallShop(FIRST)
    at = paris("2026-03-02 10:00")
    known = small.order(at, sold(A), visit=Visit("google", "cpc"))
    void = small.order(at, sold(A), voided_at=at)
    small.shop.balance_transactions = [
        balance("charge", 6000, 115, at, known.order_id),
        balance("charge", 6000, 100, at, void.order_id),
        balance("refund", -1000, -15, at, known.order_id),
        balance("adjustment", -6000, 2000, at, known.order_id),
        balance("stripe_fee", -250, 0, at),
        balance("payout", -4000, 0, at),
        balance("charge", 6000, 100, paris("2026-03-03 10:00"), known.order_id),
    ]
    oracle = small.oracle("2026-03-03 09:00")
    # fees 1.15 + 1.00 - 0.15 + 20.00 + 2.50, captured 60 + 60
    assert by_day(oracle, "payment_fee_rate") == {"2026-03-02": (Decimal("24.50"), 120)}
    # goods bring 30; the void order's fee and the fee of nobody belong to no channel and no country
    assert on_day(oracle, "contribution_margin", "2026-03-02") == {
        TOTAL: Decimal("5.50"),
        ("channel", "Paid Search"): 9,
        ("channel", "Unassigned"): Decimal("-3.50"),
        ("country", "FR"): 9,
        ("country", "unknown"): Decimal("-3.50"),
    }


@pytest.mark.parametrize(
    ("month", "days", "daily"),
    [
        ("2026-01", 31, Decimal("3.2258")),  # 3.22580…
        ("2026-02", 28, Decimal("3.5714")),  # 3.57142…
        ("2026-04", 30, Decimal("3.3333")),
        ("2028-02", 29, Decimal("3.4483")),  # 3.44827…
    ],
)
def test_a_month_of_costs_is_spread_over_its_calendar_days(month: str, days: int, daily: Decimal) -> None:
    first, last = date.fromisoformat(f"{month}-01"), date.fromisoformat(f"{month}-{days}")
    costs = ShopCosts(fixed=(), marketing=(MonthlyCost("agency", 10_000, date(2020, 1, 1)),), logistics=())
    oracle = SmallShop(first).oracle("2028-03-15 06:00", costs)
    spent = {day.isoformat(): facts["marketing_cost"] for day, facts in oracle.order_facts().items()}
    assert spent[first.isoformat()] == spent[last.isoformat()] == daily
    assert oracle.compute_period("contribution_margin", first, last)[TOTAL] == (-daily * days, None)


def test_a_cost_runs_from_its_first_to_its_last_day_and_only_over_reported_days() -> None:
    fixed = (
        MonthlyCost("rent", 31_000, date(2026, 3, 3), date(2026, 3, 4)),
        MonthlyCost("tools", 3_100, date(2020, 1, 1)),
    )
    small = SmallShop(FIRST)
    oracle = small.oracle("2026-03-06 06:00", ShopCosts(fixed=fixed, marketing=(), logistics=()))
    assert by_day(oracle, "net_margin_rate") == {
        "2026-03-02": (-1, 0),
        "2026-03-03": (-11, 0),
        "2026-03-04": (-11, 0),
        "2026-03-05": (-1, 0),
    }


def test_contribution_takes_every_cost_off() -> None:
    small = SmallShop(FIRST)
    at = paris("2026-03-02 10:00")
    order = small.order(
        at, sold(A, discount=500), shipping(400), visit=Visit("google", "cpc"), fulfillments=shipped(at)
    )
    small.shop.balance_transactions = [balance("charge", 5880, 110, at, order.order_id)]
    small.shop.ads = [AdDay(FIRST, 1, "brand", "SEARCH", 100, 10, 6_500_000, Decimal(0), Decimal(0), 0, 0)]
    costs = ShopCosts(
        fixed=(MonthlyCost("rent", 6_200, FIRST),),
        marketing=(
            MonthlyCost("agency", 3_100, FIRST),
            MonthlyCost("partners", 9_300, FIRST, None, "Affiliates"),
        ),
        logistics=PARCELS.logistics,
    )
    oracle = small.oracle("2026-03-03 06:00", costs)
    # 45 + 4 - 20 - 7 - 1.10 = 20.90 before marketing of 6.50 + 1 + 3
    assert on_day(oracle, "contribution_margin", "2026-03-02") == {
        TOTAL: Decimal("10.40"),
        ("channel", "Paid Search"): Decimal("14.40"),
        ("channel", "Unassigned"): -1,
        ("channel", "Affiliates"): -3,
        ("country", "FR"): Decimal("20.90"),
        ("country", "unknown"): Decimal("-10.50"),
    }
    assert on_day(oracle, "contribution_margin_per_order", "2026-03-02")[TOTAL] == (Decimal("10.40"), 1)
    assert on_day(oracle, "net_margin_rate", "2026-03-02") == {TOTAL: (Decimal("8.40"), 45)}
    assert on_day(oracle, "marketing_roi", "2026-03-02") == {
        TOTAL: (Decimal("10.40"), Decimal("10.50")),
        ("channel", "Paid Search"): (Decimal("14.40"), Decimal("6.50")),
        ("channel", "Unassigned"): (-1, 1),
        ("channel", "Affiliates"): (-3, 3),
    }
    assert on_day(oracle, "marketing_efficiency_ratio", "2026-03-02") == {TOTAL: (45, Decimal("10.50"))}


def test_returns_are_told_by_order_day_once_thirty_days_old() -> None:
    small = SmallShop(date(2026, 1, 1))
    back = later("refund", paris("2026-01-20 10:00"), taken_back(A, discount=500), goodwill(300))
    added = later("edit", paris("2026-01-02 10:00"), sold(B))
    small.order(paris("2026-01-01 10:00"), sold(A, 2, discount=1000), country="BE", after=(added, back))
    cancelled_at = paris("2026-01-03 10:00")
    gone = later("cancel", cancelled_at, taken_back(B))
    small.order(paris("2026-01-01 11:00"), sold(B), after=(gone,), cancelled_at=cancelled_at)
    assert by_day(small.oracle("2026-01-31 06:00"), "return_rate") == {}
    assert on_day(small.oracle("2026-02-01 06:00"), "return_rate", "2026-01-01") == {
        TOTAL: (45, 110),
        ("country", "BE"): (45, 110),
        ("product", "A"): (45, 90),
        ("product", "B"): (0, 20),
    }


def test_without_costs_only_goods_count() -> None:
    small = SmallShop(FIRST)
    small.order(paris("2026-03-02 10:00"), sold(A), fulfillments=shipped(paris("2026-03-02 12:00")))
    oracle = small.oracle("2026-03-03 06:00", NO_COSTS)
    assert on_day(oracle, "contribution_margin", "2026-03-02")[TOTAL] == 30
