"""Website and marketing figures, and what the oracle promises as a whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import AdDay, Checkout, SearchDay, TrafficDay

from .oracle_shop import TOTAL, A, SmallShop, by_day, gift_card, on_day, paris, sold

FIRST = date(2026, 3, 2)


def test_what_visitors_did() -> None:
    small = SmallShop(FIRST)
    small.shop.traffic = [
        TrafficDay(FIRST, "Email", "mobile", "FR", 40, 30, 1200, 10, 5, 2),
        TrafficDay(FIRST, "Direct", "mobile", "BE", 60, 20, 600, 5, 4, 1),
        TrafficDay(date(2026, 3, 3), "Direct", "tablet", "BE", 7, 0, 0, 0, 0, 0),
    ]
    oracle = small.oracle("2026-03-03 12:00")
    assert on_day(oracle, "sessions", "2026-03-03") == {}
    assert on_day(oracle, "sessions", "2026-03-02") == {
        TOTAL: 100,
        ("channel", "Email"): 40,
        ("channel", "Direct"): 60,
        ("device", "mobile"): 100,
        ("country", "FR"): 40,
        ("country", "BE"): 60,
    }
    expected = {
        "average_session_duration": ((1800, 100), (1200, 40)),
        "bounce_rate": ((50, 100), (10, 40)),
        "add_to_cart_rate": ((15, 100), (10, 40)),
        "cart_abandonment_rate": ((12, 15), (8, 10)),
    }
    for kpi, (total, email) in expected.items():
        rows = on_day(oracle, kpi, "2026-03-02")
        assert rows[TOTAL] == rows["device", "mobile"] == total
        assert rows["channel", "Email"] == email
        assert len(rows) == 4


def checkout(number: int, started: str, completed: str | None, country: str = "FR") -> Checkout:
    back_at = paris(completed) if completed else None
    return Checkout(number, paris(started), back_at, "mobile", country, "EUR", 5000)


def test_a_checkout_is_abandoned_until_its_buyer_comes_back() -> None:
    small = SmallShop(FIRST)
    at = paris("2026-03-02 10:00")
    small.order(at, sold(A))
    small.order(at, sold(A), voided_at=at)
    small.order(at, gift_card(5000))
    small.order(at, sold(A), test=True)
    small.order(at, sold(A), deleted_at=at)
    small.shop.checkouts = [
        checkout(1, "2026-03-02 10:00", None),
        checkout(2, "2026-03-02 10:00", "2026-03-04 10:00", "BE"),
        checkout(3, "2026-03-03 10:00", None),
    ]
    before, after = small.oracle("2026-03-04 06:00"), small.oracle("2026-03-05 06:00")
    assert by_day(before, "checkout_abandonment_rate") == {"2026-03-02": (2, 5)}
    assert by_day(after, "checkout_abandonment_rate") == {"2026-03-02": (1, 4), "2026-03-03": (1, 1)}
    assert on_day(before, "checkout_abandonment_rate", "2026-03-02") == {
        TOTAL: (2, 5),
        ("device", "desktop"): (0, 3),
        ("device", "mobile"): (2, 2),
        ("country", "FR"): (1, 4),
        ("country", "BE"): (1, 1),
    }


def campaigns(day: date) -> list[AdDay]:
    return [
        AdDay(day, 1, "brand", "SEARCH", 1000, 50, 12_345_600, Decimal(2), Decimal("100.02"), 600, 300),
        AdDay(day, 2, "feed", "SHOPPING", 4000, 80, 20_000_000, Decimal(1), Decimal("60.01"), 0, 0),
        AdDay(day, 3, "generic", "SEARCH", 500, 10, 5_000_000, Decimal(0), Decimal(0), 100, 0),
    ]


def test_campaigns_and_their_channels() -> None:
    small = SmallShop(FIRST)
    small.shop.ads = campaigns(FIRST)
    oracle = small.oracle("2026-03-03 06:00")
    assert on_day(oracle, "ad_spend", "2026-03-02") == {
        TOTAL: Decimal("37.3456"),
        ("channel", "Paid Search"): Decimal("17.3456"),
        ("channel", "Paid Shopping"): 20,
        ("campaign", "ads: brand"): Decimal("12.3456"),
        ("campaign", "ads: feed"): 20,
        ("campaign", "ads: generic"): 5,
    }
    assert on_day(oracle, "ppc_clicks", "2026-03-02")[TOTAL] == 140
    assert on_day(oracle, "cost_per_click", "2026-03-02")["campaign", "ads: feed"] == (20, 80)
    assert on_day(oracle, "ad_click_through_rate", "2026-03-02")["channel", "Paid Search"] == (60, 1500)
    assert on_day(oracle, "top_impression_share", "2026-03-02") == {
        TOTAL: (700, 1500),
        ("campaign", "ads: brand"): (600, 1000),
        ("campaign", "ads: generic"): (100, 500),
    }


@pytest.mark.parametrize(
    ("asked", "brand", "feed"),
    [
        ("2026-03-03 06:00", "70.01", "42.01"),  # 70 %: 70.014 and 42.007
        ("2026-03-03 23:59", "70.01", "42.01"),
        ("2026-03-04 00:00", "75.02", "45.01"),  # 75 %: 75.015 and 45.0075
        ("2026-03-08 06:00", "95.02", "57.01"),  # 95 %: 95.019 and 57.0095
        ("2026-03-09 06:00", "100.02", "60.01"),
        ("2026-04-09 06:00", "100.02", "60.01"),
    ],
)
def test_conversions_settle_over_seven_days(asked: str, brand: str, feed: str) -> None:
    small = SmallShop(FIRST)
    small.shop.ads = campaigns(FIRST)
    rows = on_day(small.oracle(asked), "roas", "2026-03-02")
    assert rows["campaign", "ads: brand"] == (Decimal(brand), Decimal("12.3456"))
    assert rows["channel", "Paid Shopping"] == (Decimal(feed), 20)
    assert rows[TOTAL] == (Decimal(brand) + Decimal(feed), Decimal("37.3456"))


def test_the_position_is_weighted_by_impressions() -> None:
    small = SmallShop(FIRST)
    small.shop.search = [
        SearchDay(FIRST, "mobile", "FR", 3, 100, Decimal("420.5")),
        SearchDay(FIRST, "desktop", "FR", 1, 50, Decimal("300")),
        SearchDay(date(2026, 3, 3), "desktop", "FR", 1, 50, Decimal("300")),
    ]
    assert by_day(small.oracle("2026-03-05 06:00"), "average_position") == {}, "not final yet"
    assert on_day(small.oracle("2026-03-06 06:00"), "average_position", "2026-03-02") == {
        TOTAL: (Decimal("720.5"), 150),
        ("device", "mobile"): (Decimal("420.5"), 100),
        ("device", "desktop"): (300, 50),
        ("country", "FR"): (Decimal("720.5"), 150),
    }
    assert by_day(small.oracle("2026-03-06 06:00"), "average_position").keys() == {"2026-03-02"}


def test_it_computes_every_kpi_it_names_even_of_an_empty_shop() -> None:
    oracle = SmallShop(FIRST).oracle("2026-03-05 06:00")
    last_day, counted = date(2026, 3, 4), {"sms_subscribers", "push_opt_ins"}
    nobody = {TOTAL: (Decimal(0), None)}  # of the newest day it can be told: none
    assert set(oracle.kpis()) > counted
    for kpi in oracle.kpis():
        assert oracle.compute(kpi) == ({(last_day, *TOTAL): (Decimal(0), None)} if kpi in counted else {})
        assert oracle.compute_period(kpi, FIRST, last_day) == (nobody if kpi in counted else {})


def test_at_midnight_the_day_just_ended_is_complete() -> None:
    small = SmallShop(FIRST)
    assert small.oracle("2026-03-04 00:00").as_of_day == date(2026, 3, 3)
    assert small.oracle("2026-03-03 23:59").as_of_day == date(2026, 3, 2)
