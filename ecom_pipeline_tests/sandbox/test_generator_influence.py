"""Influencers' orders: by code and by link, as people type them, within their agreements and outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ecom_pipeline.sandbox.costs import INFLUENCERS, shop_costs
from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP, Business, Order, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle.channels import channel_of
from ecom_pipeline.sandbox.oracle.spending import AFFILIATES

CODES = {one.code.lower(): one for one in INFLUENCERS}
TAGS = {one.utm_campaign: one for one in INFLUENCERS}


def made(business: Business) -> Shop:
    return generate_shop(7, date(2026, 1, 1), date(2026, 11, 15), 12, business)


@pytest.fixture(scope="module")
def paid() -> list[Order]:
    return made(GROUP).orders


def code_of(order: Order) -> str:
    return (order.discount_code or "").lower()


def tag_of(order: Order) -> str:
    return (order.visit.campaign or "").lower()


def test_every_influencer_brings_orders_by_code_and_by_link_in_any_spelling(paid: list[Order]) -> None:
    codes = {order.discount_code for order in paid if code_of(order) in CODES}
    tags = {order.visit.campaign for order in paid if tag_of(order) in TAGS}
    assert {str(code).lower() for code in codes} == set(CODES) and len(codes) > len(CODES)
    assert {str(tag).lower() for tag in tags} == set(TAGS) and len(tags) > len(TAGS)


def test_some_orders_bear_one_influencers_code_and_anothers_link(paid: list[Order]) -> None:
    both = [order for order in paid if code_of(order) in CODES and tag_of(order) in TAGS]
    assert [order for order in both if CODES[code_of(order)] != TAGS[tag_of(order)]]


def test_codes_are_used_before_and_after_their_influencer_is_paid(paid: list[Order]) -> None:
    used = [(CODES[code_of(order)], order.created_at.date()) for order in paid if code_of(order) in CODES]
    assert [day for one, day in used if day < one.first_day]
    assert [day for one, day in used if one.last_day is not None and day > one.last_day]


def test_who_came_by_an_influencers_link_came_by_the_channel_of_the_affiliates(paid: list[Order]) -> None:
    assert {channel_of(order.visit) for order in paid if tag_of(order) in TAGS} == {AFFILIATES}


def test_a_code_takes_off_what_it_took_off(paid: list[Order]) -> None:
    unpraised = {order.name: order for order in made(replace(GROUP, pays_influencers=False)).orders}
    changed = [order for order in paid if order != unpraised[order.name]]
    assert changed
    for order in changed:
        before = unpraised[order.name]
        assert replace(order, visit=before.visit, discount_code=before.discount_code) == before
        assert (order.discount_code is None) == (before.discount_code is None)


def test_a_business_that_pays_none_has_none() -> None:
    assert shop_costs(100, ONE_SHOP).influencers == ()
    assert not [order for order in made(ONE_SHOP).orders if code_of(order) in CODES or tag_of(order) in TAGS]
