"""Acquisition: what a handful of customers cost and brought, followed by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import AdDay, LogisticsRate, MonthlyCost, ShopCosts

from .oracle_shop import (
    E_MAIL,
    SEARCH_AD,
    TOTAL,
    A,
    B,
    SmallShop,
    back_on_shelf,
    balance,
    buys,
    by_day,
    later,
    on_day,
    over_period,
    paris,
    shipped,
    shipping,
    sold,
    taken_back,
)

FIRST = date(2026, 1, 1)


def marketing(*monthly: MonthlyCost) -> ShopCosts:
    return ShopCosts(fixed=(), marketing=monthly, logistics=())


def ads(day: date, euros: int) -> AdDay:
    return AdDay(day, 1, "brand", "SEARCH", 100, 10, euros * 1_000_000, Decimal(0), Decimal(0), 0, 0)


def test_a_customer_is_new_once_however_the_address_is_typed() -> None:
    small = SmallShop(FIRST)
    buys(small, "alice@example.com", "2026-01-02", visit=SEARCH_AD)
    buys(small, " ALICE@example.com ", "2026-01-03", "2026-01-04", visit=E_MAIL)
    buys(small, "", "2026-01-03")
    oracle = small.oracle("2026-01-06 06:00")
    assert {key[1:]: value[0] for key, value in oracle.compute("new_customers").items()} == {
        TOTAL: 1,
        ("channel", "Paid Search"): 1,
        ("device", "desktop"): 1,
        ("country", "FR"): 1,
    }
    assert by_day(oracle, "new_customers") == {"2026-01-02": 1}


def test_a_cancelled_first_order_takes_the_new_customer_back() -> None:
    small = SmallShop(FIRST)
    cancelled_at = paris("2026-01-05 10:00")
    undone = later("cancel", cancelled_at, taken_back(A), restocks=(back_on_shelf(A),))
    small.order(
        paris("2026-01-02 10:00"),
        sold(A),
        email="frank@example.com",
        after=(undone,),
        cancelled_at=cancelled_at,
    )
    buys(small, "frank@example.com", "2026-01-04", visit=E_MAIL)
    before, after = small.oracle("2026-01-05 06:00"), small.oracle("2026-01-06 06:00")
    assert by_day(before, "new_customers", "channel", "Direct") == {"2026-01-02": 1}
    assert by_day(after, "new_customers") == {"2026-01-04": 1}
    assert by_day(after, "new_customers", "channel", "Email") == {"2026-01-04": 1}
    assert by_day(before, "repeat_purchase_rate")["2026-01-04"] == (1, 1)
    assert by_day(after, "repeat_purchase_rate") == {"2026-01-04": (0, 1), "2026-01-05": (0, 1)}


def test_the_earlier_order_of_a_day_makes_the_first_one() -> None:
    small = SmallShop(FIRST)
    at = paris("2026-01-02 12:00")
    small.order(at, sold(A), email="a@example.com", order_id=8, visit=E_MAIL)
    small.order(at, sold(A), email="a@example.com", order_id=7, visit=SEARCH_AD)
    oracle = small.oracle("2026-01-03 06:00")
    assert by_day(oracle, "new_customers", "channel", "Paid Search") == {"2026-01-02": 1}


def test_acquisition_cost_spreads_all_marketing_and_paid_cost_only_advertising() -> None:
    small = SmallShop(FIRST)
    buys(small, "paid@example.com", "2026-01-02", visit=SEARCH_AD)
    buys(small, "mail@example.com", "2026-01-02", visit=E_MAIL)
    small.shop.ads = [ads(date(2026, 1, 2), 6), ads(date(2026, 1, 3), 5)]
    agency = MonthlyCost("agency", 3_100, date(2026, 1, 2))
    tools = MonthlyCost("mailing", 6_200, date(2026, 1, 2), date(2026, 1, 2), "Email")
    oracle = small.oracle("2026-01-04 06:00", marketing(agency, tools))
    assert on_day(oracle, "customer_acquisition_cost", "2026-01-02") == {
        TOTAL: (9, 2),
        ("channel", "Paid Search"): (6, 1),
        ("channel", "Email"): (2, 1),
        ("channel", "Unassigned"): (1, 0),
    }
    assert on_day(oracle, "paid_acquisition_cost", "2026-01-02") == {
        TOTAL: (6, 1),
        ("channel", "Paid Search"): (6, 1),
    }
    assert over_period(oracle, "paid_acquisition_cost", "2026-01-01", "2026-01-03")[TOTAL] == (11, 1)


def test_lifetime_value_counts_the_first_365_days_of_customers_one_to_two_years_old() -> None:
    small = SmallShop(date(2025, 1, 1))
    at = paris("2025-01-01 12:00")
    first = small.order(
        at, sold(A), shipping(400), email="alice@example.com", visit=SEARCH_AD, fulfillments=shipped(at)
    )
    buys(small, "alice@example.com", "2025-12-31", "2026-01-01")  # ages 364 and 365
    buys(small, "bob@example.com", "2025-01-02", country="BE")
    cancelled_at = paris("2025-01-04 10:00")
    small.order(
        paris("2025-01-03 10:00"),
        sold(B),
        email="bob@example.com",
        after=(later("cancel", cancelled_at, taken_back(B)),),
        cancelled_at=cancelled_at,
    )
    small.shop.balance_transactions = [balance("charge", 6480, 100, at, first.order_id)]
    costs = ShopCosts(fixed=(), marketing=(), logistics=(LogisticsRate("FR", 500, 0, 0, 0),))
    oracle = small.oracle("2027-02-01 06:00", costs)
    # Alice: 50 + 4 - 20 - 5 - 1, then 12; Bob: 12, then a cancelled order whose article (8) is lost
    rows = by_day(oracle, "lifetime_value")
    assert min(rows) == "2026-01-01"
    assert on_day(oracle, "lifetime_value", "2026-01-01") == {
        TOTAL: (40, 1),
        ("channel", "Paid Search"): (40, 1),
        ("country", "FR"): (40, 1),
    }
    assert rows["2026-01-02"] == rows["2027-01-01"] == (44, 2)
    assert on_day(oracle, "lifetime_value", "2027-01-02") == {
        TOTAL: (4, 1),
        ("channel", "Direct"): (4, 1),
        ("country", "BE"): (4, 1),
    }
    assert max(rows) == "2027-01-02"


def test_ltv_to_cac_sets_value_against_the_cost_of_the_same_year() -> None:
    small = SmallShop(date(2025, 1, 1))
    buys(small, "old@example.com", "2025-01-01", visit=SEARCH_AD)
    buys(small, "new1@example.com", "2025-06-01", visit=SEARCH_AD)
    buys(small, "new2@example.com", "2025-06-01", visit=E_MAIL)
    buys(small, "new3@example.com", "2025-01-02", visit=E_MAIL)
    small.shop.ads = [ads(date(2025, 1, 1), 100), ads(date(2025, 1, 2), 3), ads(date(2026, 1, 1), 1)]
    oracle = small.oracle("2026-01-03 06:00")
    # on 1 January 2026 the year began on 2 January 2025: 3 + 1 of cost, three new customers, one of them paid
    assert on_day(oracle, "ltv_to_cac", "2026-01-01") == {
        TOTAL: (36, 4),
        ("channel", "Paid Search"): (12, 4),
    }
    # a day later: two customers a year old who brought 24, two new ones since 3 January 2025, 1 of cost
    assert by_day(oracle, "ltv_to_cac") == {"2026-01-01": (36, 4), "2026-01-02": (48, 2)}


def test_ltv_to_cac_is_silent_without_marketing() -> None:
    small = SmallShop(date(2025, 1, 1))
    buys(small, "old@example.com", "2025-01-01")
    assert small.oracle("2026-01-03 06:00").compute("ltv_to_cac") == {}


def test_payback_is_the_age_at_which_a_cohort_has_earned_its_marketing() -> None:
    small = SmallShop(FIRST)
    small.order(paris("2026-01-10 12:00"), sold(A), email="a@example.com", visit=SEARCH_AD)  # 30
    buys(small, "a@example.com", "2026-01-30", "2026-02-19")  # 12 at age 20, 12 at age 40
    small.shop.ads = [ads(date(2026, 1, 10), 50)]
    oracle = small.oracle("2026-04-14 06:00")
    # 10 January is 90 days before 10 April
    assert by_day(oracle, "cac_payback_days") == {f"2026-04-{day}": (40, 1) for day in range(10, 14)}
    assert by_day(oracle, "cac_payback_days", "channel", "Paid Search")["2026-04-10"] == (40, 1)


def test_payback_counts_each_customer_by_own_age_and_the_span_of_the_cohort() -> None:
    small = SmallShop(FIRST)
    for email, day in (("a@example.com", "2026-01-10"), ("b@example.com", "2026-01-13")):
        buys(small, email, day, visit=SEARCH_AD)  # 12 each at age 0
    buys(small, "a@example.com", "2026-01-15")  # age 5
    buys(small, "b@example.com", "2026-01-16")  # age 3
    small.shop.ads = [ads(date(2026, 1, 10), 12), ads(date(2026, 1, 13), 18), ads(date(2026, 1, 14), 12)]
    rows = by_day(small.oracle("2026-04-16 06:00"), "cac_payback_days")
    assert rows["2026-04-10"] == (0, 1)  # a alone: 12 against 12
    assert rows["2026-04-13"] == (3, 1)  # 24 at age 0, 36 at age 3, against 30
    assert rows["2026-04-14"] == (5, 1)  # 48 at age 5, against 42


def test_the_payback_cohort_is_a_year_of_customers() -> None:
    small = SmallShop(FIRST)
    buys(small, "a@example.com", "2026-01-01", visit=SEARCH_AD)
    small.shop.ads = [ads(FIRST, 1)]
    rows = by_day(small.oracle("2027-06-01 06:00"), "cac_payback_days")
    assert min(rows) == (FIRST + timedelta(days=90)).isoformat()
    assert max(rows) == (FIRST + timedelta(days=454)).isoformat()
    assert set(rows.values()) == {(0, 1)}


def test_payback_that_never_comes_or_costs_nothing_has_no_row() -> None:
    small = SmallShop(FIRST)
    buys(small, "a@example.com", "2026-01-10", visit=SEARCH_AD)
    buys(small, "a@example.com", "2026-04-11")  # age 91 comes too late
    buys(small, "b@example.com", "2026-01-10", visit=E_MAIL)
    small.shop.ads = [ads(date(2026, 1, 10), 25)]
    assert small.oracle("2026-05-01 06:00").compute("cac_payback_days") == {}
    at_ninety = SmallShop(FIRST)
    buys(at_ninety, "a@example.com", "2026-01-10", "2026-04-10", visit=SEARCH_AD)
    at_ninety.shop.ads = [ads(date(2026, 1, 10), 24)]
    assert by_day(at_ninety.oracle("2026-04-12 06:00"), "cac_payback_days") == {
        "2026-04-10": (90, 1),
        "2026-04-11": (90, 1),
    }
