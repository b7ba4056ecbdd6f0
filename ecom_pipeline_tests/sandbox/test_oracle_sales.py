"""Sales, on orders small enough to add up by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import SaleLine, TrafficDay, Visit
from ecom_pipeline.sandbox.oracle.channels import channel_of

from .oracle_shop import (
    TOTAL,
    A,
    B,
    SmallShop,
    by_day,
    gift_card,
    goodwill,
    later,
    nonzero,
    on_day,
    paris,
    shipping,
    sold,
    taken_back,
)

FIRST = date(2026, 3, 2)


def test_an_edit_counts_on_its_own_day_and_adds_no_order() -> None:
    small = SmallShop(FIRST)
    added = later("edit", paris("2026-03-04 10:00"), sold(B, 2, discount=500))
    small.order(paris("2026-03-02 10:00"), sold(A), after=(added,))
    oracle = small.oracle("2026-03-06 06:00")
    assert by_day(oracle, "gross_merchandise_value") == {"2026-03-02": 50, "2026-03-04": 40}
    assert by_day(oracle, "average_order_value") == {"2026-03-02": (50, 1), "2026-03-04": (35, 0)}
    assert by_day(oracle, "units_per_order") == {"2026-03-02": (1, 1), "2026-03-04": (2, 0)}


def test_an_edit_that_takes_an_article_out_is_a_return_of_its_discounted_price() -> None:
    small = SmallShop(FIRST)
    removed = later("edit", paris("2026-03-03 10:00"), taken_back(A, discount=500))
    small.order(paris("2026-03-02 10:00"), sold(A, 2, discount=1000), after=(removed,))
    oracle = small.oracle("2026-03-06 06:00")
    assert by_day(oracle, "net_sales") == {"2026-03-02": 90, "2026-03-03": -45}
    assert nonzero(by_day(oracle, "gross_merchandise_value")) == {"2026-03-02": 100}
    assert oracle.order_facts()[date(2026, 3, 3)]["returns"] == 45


def test_an_event_later_than_the_instant_asked_has_not_happened() -> None:
    small = SmallShop(FIRST)
    refund = later("refund", paris("2026-03-03 10:00"), goodwill(700))
    small.order(paris("2026-03-02 10:00"), sold(A), after=(refund,))
    assert by_day(small.oracle("2026-03-04 06:00"), "net_sales") == {"2026-03-02": 50, "2026-03-03": -7}
    assert by_day(small.oracle("2026-03-03 09:59"), "net_sales") == {"2026-03-02": 50}


def test_a_deleted_order_vanishes_with_its_refunds() -> None:
    small = SmallShop(FIRST)
    refund = later("refund", paris("2026-03-03 10:00"), goodwill(700))
    deleted_at = paris("2026-03-05 12:00")
    small.order(paris("2026-03-02 10:00"), sold(A), after=(refund,), deleted_at=deleted_at)
    before, after = small.oracle("2026-03-05 11:59"), small.oracle("2026-03-05 12:00")
    assert by_day(before, "net_sales") == {"2026-03-02": 50, "2026-03-03": -7}
    assert by_day(before, "orders") == {"2026-03-02": 1}
    assert by_day(after, "net_sales") == {}
    assert by_day(after, "orders") == {}


def test_a_voided_order_counts_until_it_is_voided() -> None:
    small = SmallShop(FIRST)
    small.order(paris("2026-03-02 10:00"), sold(A), voided_at=paris("2026-03-03 10:00"))
    assert by_day(small.oracle("2026-03-03 06:00"), "orders") == {"2026-03-02": 1}
    assert by_day(small.oracle("2026-03-04 06:00"), "orders") == {}


def test_a_gift_card_beside_an_article_is_no_sale() -> None:
    small = SmallShop(FIRST)
    small.order(paris("2026-03-02 10:00"), gift_card(10_000), sold(B), SaleLine("tip", 300, 0, 0))
    small.order(paris("2026-03-02 11:00"), gift_card(10_000), shipping(400))
    oracle = small.oracle("2026-03-03 06:00")
    assert on_day(oracle, "net_sales", "2026-03-02")[TOTAL] == 20
    assert on_day(oracle, "orders", "2026-03-02")[TOTAL] == 1
    assert on_day(oracle, "units_per_order", "2026-03-02")[TOTAL] == (1, 1)
    assert oracle.order_facts()[date(2026, 3, 2)]["shipping_income"] == 0


def test_an_article_added_later_does_not_make_a_gift_card_an_order() -> None:
    small = SmallShop(FIRST)
    added = later("edit", paris("2026-03-02 12:00"), sold(A))
    small.order(paris("2026-03-02 10:00"), gift_card(10_000), after=(added,))
    assert by_day(small.oracle("2026-03-03 06:00"), "orders") == {}


def test_half_cents_go_away_from_zero_line_by_line_for_gross_and_discount_apart() -> None:
    small = SmallShop(FIRST)
    small.shop.rates = {FIRST: {"USD": "2"}}
    back = later("refund", paris("2026-03-03 10:00"), taken_back(A, gross=101))
    small.order(
        paris("2026-03-02 10:00"),
        sold(A, gross=101),
        sold(B, gross=100, discount=1),
        currency="USD",
        after=(back,),
    )
    facts = small.oracle("2026-03-04 06:00").order_facts()
    assert facts[date(2026, 3, 2)]["gross"] == Decimal("1.01")  # 0.505 is 0.51, and 0.50
    assert facts[date(2026, 3, 2)]["discounts"] == Decimal("0.01")  # 0.005; together they would be 0.00
    assert facts[date(2026, 3, 2)]["net"] == Decimal("1.00")
    assert facts[date(2026, 3, 3)]["net"] == Decimal("-0.51")


def test_each_day_has_the_last_rate_published_and_a_refund_its_own() -> None:
    small = SmallShop(date(2026, 3, 6))  # a Friday
    small.shop.rates = {date(2026, 3, 6): {"USD": "1.25"}, date(2026, 3, 9): {"USD": "1.60"}}
    back = later("refund", paris("2026-03-09 10:00"), taken_back(A, gross=10_000))
    small.order(paris("2026-03-08 10:00"), sold(A, gross=10_000), currency="USD", after=(back,))
    assert by_day(small.oracle("2026-03-10 06:00"), "net_sales") == {
        "2026-03-08": 80,
        "2026-03-09": Decimal("-62.50"),
    }


def test_two_foreign_currencies_meet_through_the_euro() -> None:
    small = SmallShop(FIRST)
    small.shop.currency = "GBP"
    small.shop.rates = {FIRST: {"USD": "1.16", "GBP": "0.87"}}
    small.order(paris("2026-03-02 10:00"), sold(A, gross=5800), currency="USD")
    small.order(paris("2026-03-02 10:00"), sold(A, gross=1000), currency="EUR")
    oracle = small.oracle("2026-03-03 06:00")
    assert by_day(oracle, "net_sales") == {"2026-03-02": Decimal("43.50") + Decimal("8.70")}


def test_a_day_before_any_rate_cannot_be_converted() -> None:
    small = SmallShop(FIRST)
    small.shop.rates = {date(2026, 3, 3): {"USD": "1.16"}}
    small.order(paris("2026-03-02 10:00"), sold(A), currency="USD")
    with pytest.raises(LookupError, match="USD"):
        small.oracle("2026-03-04 06:00").compute("net_sales")


def test_visits_and_sales_of_a_segment_meet_in_revenue_per_session() -> None:
    small = SmallShop(FIRST)
    plain = TrafficDay(FIRST, "Email", "mobile", "FR", 40, 30, 0, 10, 5, 2)
    small.shop.traffic = [plain, replace(plain, device="desktop", sessions=60, purchase_sessions=3)]
    small.order(paris("2026-03-02 10:00"), sold(A), device="mobile", visit=Visit("crm", "email"))
    small.order(paris("2026-03-02 11:00"), sold(B), device="mobile", country="BE")
    oracle = small.oracle("2026-03-03 06:00")
    assert on_day(oracle, "revenue_per_session", "2026-03-02") == {
        TOTAL: (70, 100),
        ("channel", "Email"): (50, 100),
        ("channel", "Direct"): (20, 0),
        ("device", "mobile"): (70, 40),
        ("device", "desktop"): (0, 60),
        ("country", "FR"): (50, 100),
        ("country", "BE"): (20, 0),
    }
    assert on_day(oracle, "conversion_rate", "2026-03-02")[TOTAL] == (5, 100)
    assert on_day(oracle, "conversion_rate", "2026-03-02")["device", "desktop"] == (3, 60)


def test_a_missing_country_is_unknown() -> None:
    small = SmallShop(FIRST)
    small.order(paris("2026-03-02 10:00"), sold(A), country="")
    assert on_day(small.oracle("2026-03-03 06:00"), "orders", "2026-03-02")["country", "unknown"] == 1


@pytest.mark.parametrize(
    ("visit", "channel"),
    [
        (Visit(), "Direct"),
        (Visit("(direct)", "(none)"), "Direct"),
        (Visit("(direct)", "(not set)"), "Direct"),
        (Visit("(direct)"), "Direct"),
        (Visit("google", "cpc", "Brand Cross-Network 1"), "Cross-network"),
        (Visit("google", "cpc", "Shopping FR"), "Paid Shopping"),
        (Visit("Google", "CPC", "brand"), "Paid Search"),
        (Visit("facebook", "paid_social"), "Paid Social"),
        (Visit("fb", "paid"), "Paid Social"),
        (Visit("youtube", "ppc"), "Paid Video"),
        (Visit("criteo", "retargeting"), "Paid Other"),
        (Visit("google", "display"), "Display"),
        (Visit("news", "cpm"), "Display"),
        (Visit("instagram", "post"), "Organic Social"),
        (Visit("someone", "social-media"), "Organic Social"),
        (Visit("facebook", "email"), "Organic Social"),
        (Visit("vimeo", "link"), "Organic Video"),
        (Visit("bing"), "Organic Search"),
        (Visit("else", "organic"), "Organic Search"),
        (Visit("klaviyo", "email", "spring"), "Email"),
        (Visit("newsletter", "march"), "Email"),
        (Visit("awin", "affiliate"), "Affiliates"),
        (Visit("spotify", "audio"), "Audio"),
        (Visit("sms", "text"), "SMS"),
        (Visit("app", "web-push"), "Mobile Push Notifications"),
        (Visit("app", "notifications"), "Mobile Push Notifications"),
        (Visit("blog", "referral"), "Referral"),
        (Visit(referrer_url="https://www.google.fr/search"), "Organic Search"),
        (Visit(referrer_url="https://l.facebook.com/"), "Organic Social"),
        (Visit(referrer_url="https://notgoogle.example/"), "Referral"),
        (Visit("blog", "strange", referrer_url="https://www.google.fr/"), "Unassigned"),
        (Visit("blog"), "Unassigned"),
    ],
)
def test_channel_groups(visit: Visit, channel: str) -> None:
    assert channel_of(visit) == channel
