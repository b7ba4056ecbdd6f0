"""Ads on several platforms: each campaign has its orders, and the shop's books and bank tell of each once."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.generator.channels import CAMPAIGNS
from ecom_pipeline.sandbox.generator.paid_social import CAMPAIGNS as SOCIAL
from ecom_pipeline.sandbox.oracle.channels import channel_of

FIRST, LAST = date(2026, 5, 1), date(2026, 11, 15)
PLATFORM_NAMES = {"GOOGLE ADS": "google_ads", "META PLATFORMS": "meta", "TIKTOK ADS": "tiktok"}


@pytest.fixture(scope="module")
def group() -> Shop:
    return generate_shop(7, FIRST, LAST, 30, GROUP)


@pytest.fixture(scope="module")
def alone() -> Shop:
    return generate_shop(7, FIRST, LAST, 30, ONE_SHOP)


def tags(shop: Shop) -> Counter[str]:
    """Orders by the campaign of paid social they came from."""
    visits = [order.visit for order in shop.orders if channel_of(order.visit) == "Paid Social"]
    return Counter((visit.campaign or "").lower() for visit in visits)


def test_every_campaign_of_paid_social_has_orders_and_rows(group: Shop) -> None:
    months = set(range(FIRST.month, LAST.month + 1))
    running = {one.campaign for one in SOCIAL if months & set(one.months)}
    assert len(running) == len(SOCIAL)
    assert tags(group).keys() == {campaign.tag for campaign in running}
    assert {(ad.platform, ad.campaign_id) for ad in group.ads} == {
        (campaign.platform, campaign.campaign_id) for campaign in (*CAMPAIGNS, *running)
    }


def test_two_platforms_have_a_campaign_of_one_name(group: Shop) -> None:
    named = Counter(name for name, _ in {(ad.campaign_name, ad.platform) for ad in group.ads})
    assert named["Prospection maison"] == 2


def test_campaigns_rest_outside_their_months(group: Shop) -> None:
    by_id = {one.campaign.campaign_id: one for one in SOCIAL}
    for ad in group.ads:
        if ad.platform != "google_ads":
            assert ad.day.month in by_id[ad.campaign_id].months


def test_who_reads_no_social_platform_keeps_one_tag_and_its_invoice(alone: Shop) -> None:
    assert tags(alone).keys() == {"prospection-maison"}
    assert {ad.platform for ad in alone.ads} == {"google_ads"}
    social = [cost.name for cost in shop_costs(30, ONE_SHOP).marketing if cost.channel == "Paid Social"]
    assert len(social) == 1
    assert any(one.label == "REGIE SOCIALE" for one in alone.bank_transactions)


def test_what_a_platform_tells_itself_is_no_cost_told_twice(group: Shop) -> None:
    assert not [cost for cost in shop_costs(30, GROUP).marketing if cost.channel == "Paid Social"]
    assert not any(one.label == "REGIE SOCIALE" for one in group.bank_transactions)


def test_the_bank_pays_each_platform_what_it_cost_the_month_before(group: Shop) -> None:
    october: Counter[str] = Counter()
    for ad in group.ads:
        if (ad.day.year, ad.day.month) == (2026, 10):
            october[ad.platform] += ad.cost_micros // 10_000
    paid = {
        PLATFORM_NAMES[one.label]: -one.amount
        for one in group.bank_transactions
        if one.label in PLATFORM_NAMES and (one.emitted_at.year, one.emitted_at.month) == (2026, 11)
    }
    assert {"google_ads", "meta"} <= paid.keys()
    assert paid == {platform: october[platform] for platform in paid}


def test_social_ads_cost_about_what_the_invoice_did(group: Shop) -> None:
    (invoice,) = (cost for cost in shop_costs(30, ONE_SHOP).marketing if cost.channel == "Paid Social")
    spent = sum(ad.cost_micros for ad in group.ads if ad.platform != "google_ads") / 10_000
    months = (LAST - FIRST).days / 30
    assert 0.5 * invoice.amount < spent / months < 2 * invoice.amount
