"""Orders dealt over three shops: the same people, each shop's own articles, numbers and currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from functools import lru_cache

import pytest

from ecom_pipeline.sandbox.events import (
    ATELIER,
    BOUTIQUE,
    GROUP,
    MAIN_SHOP,
    ONE_SHOP,
    PAIR,
    SHOP_US,
    Order,
    Shop,
)
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.generator.people import Person
from ecom_pipeline.sandbox.generator.places import PLACES
from ecom_pipeline.sandbox.generator.storefronts import DOLLARS_PER_EURO, Storefronts
from ecom_pipeline.sandbox.generator.streams import stream

EURO_COUNTRIES = {place.country for place in PLACES if place.currency == "EUR"}


@lru_cache(maxsize=1)
def the_group() -> Shop:
    """Half a year in three shops; read only."""
    return generate_shop(17, date(2026, 1, 1), date(2026, 6, 30), 25.0, GROUP)


@pytest.fixture(name="group")
def _group() -> Shop:
    return the_group()


def placed_in(shop: Shop, key: str) -> list[Order]:
    return [order for order in shop.orders if order.storefront == key]


def test_a_business_with_one_shop_decides_nothing() -> None:
    """Else its stream would have to be drawn from, and the shop would change."""
    rng = stream(1, "storefronts")
    before = rng.getstate()
    storefronts = Storefronts(rng, ONE_SHOP, [])
    for place in PLACES:
        person = Person("a@example.com", None, place, "mobile", 0.01, 0.1)
        assert storefronts.choose(person) is MAIN_SHOP
    assert rng.getstate() == before and storefronts.products == []


def test_who_buys_where(group: Shop) -> None:
    american = [order for order in group.orders if order.country == "US"]
    at_home = sum(order.storefront == SHOP_US.key for order in american) / len(american)
    assert 0.75 < at_home < 0.95 and len(american) > 60
    euro = [order for order in group.orders if order.country in EURO_COUNTRIES]
    assert 0.10 < sum(order.storefront == ATELIER.key for order in euro) / len(euro) < 0.14
    assert {order.country for order in placed_in(group, ATELIER.key)} <= EURO_COUNTRIES
    assert {order.country for order in placed_in(group, SHOP_US.key)} == {"US"}
    assert {order.currency for order in placed_in(group, ATELIER.key)} == {"EUR"}
    assert {order.currency for order in placed_in(group, SHOP_US.key)} == {"USD"}
    assert {"USD", "GBP", "CHF"} <= {order.currency for order in placed_in(group, MAIN_SHOP.key)}


def test_the_same_people_buy_in_several_shops(group: Shop) -> None:
    shops: defaultdict[str, set[str]] = defaultdict(set)
    for order in group.orders:
        if order.email:
            shops[order.email.strip().lower()].add(order.storefront)
    pairs = Counter(frozenset(found) for found in shops.values() if len(found) > 1)
    assert pairs[frozenset((MAIN_SHOP.key, ATELIER.key))] > 50
    assert pairs[frozenset((MAIN_SHOP.key, SHOP_US.key))] >= 1


def test_each_shop_has_articles_of_its_own(group: Shop) -> None:
    articles = {product.variant_id: product for product in group.products}
    assert len(articles) == len(group.products), "a number means one article of one shop"
    for order in group.orders:
        for line in (line for agreement in order.agreements for line in agreement.lines):
            assert line.product is None or line.product.storefront == order.storefront
    by_title = {product.title: product for product in group.products if product.storefront == MAIN_SHOP.key}
    for product in group.products:
        cost = by_title[product.title].unit_cost
        rate = DOLLARS_PER_EURO if product.storefront == SHOP_US.key else Decimal(1)
        assert product.unit_cost == (None if cost is None else int(cost * rate))
    assert Counter(product.storefront for product in group.products) == {
        front.key: len(by_title) for front in GROUP.storefronts
    }


def test_each_shop_numbers_its_own_orders(group: Shop) -> None:
    names = {front.key: [order.name for order in placed_in(group, front.key)] for front in GROUP.storefronts}
    assert all(len(set(found)) == len(found) > 20 for found in names.values())
    assert names[MAIN_SHOP.key][:2] == ["#1001", "#1002"] and names[SHOP_US.key][:2] == ["#US1001", "#US1002"]
    woo = placed_in(group, ATELIER.key)
    assert [order.name for order in woo] == [str(order.order_id) for order in woo]
    assert [order.order_id for order in woo] == sorted(order.order_id for order in woo)
    assert max(order.order_id for order in woo) < 1_000_000, "a number of WordPress's own counter"


def test_a_shops_own_currency_is_not_converted(group: Shop) -> None:
    own = {front.key: front.currency for front in GROUP.storefronts}
    for order in group.orders:
        assert (order.shop_rate == 1) == (order.currency == own[order.storefront])


def test_what_a_platform_cannot_tell_does_not_happen_in_it(group: Shop) -> None:
    kinds = {agreement.kind for order in placed_in(group, ATELIER.key) for agreement in order.agreements}
    assert {"order", "refund"} <= kinds and "edit" not in kinds
    assert not any(order.test or order.gift_card_paid for order in placed_in(group, ATELIER.key))
    assert "edit" in {a.kind for order in placed_in(group, MAIN_SHOP.key) for a in order.agreements}


def test_a_shop_on_prestashop_counts_its_own_and_tells_of_cancellations() -> None:
    shop = generate_shop(17, date(2026, 1, 1), date(2026, 6, 30), 25.0, PAIR)
    own = placed_in(shop, BOUTIQUE.key)
    numbers = [order.order_id for order in own]
    assert numbers == list(range(numbers[0], numbers[0] + len(own)))
    assert all(len(order.name) == 9 and order.name.isupper() for order in own)
    assert len({order.name for order in own}) == len(own) > 200
    kinds = {agreement.kind for order in own for agreement in order.agreements}
    assert kinds == {"order", "refund", "cancel"} and not any(
        order.test or order.gift_card_paid for order in own
    )
    assert {stock.product.storefront for stock in shop.stock} == {MAIN_SHOP.key, BOUTIQUE.key}


def test_only_shopify_tells_of_checkouts_that_were_left(group: Shop) -> None:
    told = {front.key: front.platform for front in GROUP.storefronts}
    seen = Counter(checkout.storefront for checkout in group.checkouts)
    assert {told[key] for key in seen} == {"shopify"} and len(seen) == 2
    assert {one.currency for one in group.checkouts if one.storefront == SHOP_US.key} == {"USD"}
