"""Two Shopify shops of one business: each with its own address, token, currency, time zone and records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ecom_pipeline.sandbox.events import GROUP, MAIN_SHOP, SHOP_US, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import shopify as twin
from ecom_pipeline.sandbox.world import World
from ecom_pipeline_tests.sandbox.shopify_client import MONEY, Client

NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
ORDERS = f"""query ($after: String) {{ orders(first: 100, after: $after) {{
  nodes {{ legacyResourceId name totalPriceSet {MONEY} customer {{ legacyResourceId }} }}
  pageInfo {{ hasNextPage endCursor }} }} }}"""
CHECKOUTS = """query ($after: String) { abandonedCheckouts(first: 100, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } }"""
VARIANTS = """query ($after: String) { productVariants(first: 100, after: $after) {
  nodes { legacyResourceId inventoryItem { unitCost { amount currencyCode } } }
  pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, str]]:
    world = World(generate_shop(23, date(2026, 1, 1), date(2026, 4, 30), 25.0, GROUP), NOW)
    twin.settings(world).restore_rate = 10_000
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture(name="shop")
def _shop(served: tuple[World, str]) -> Shop:
    return served[0].shop


@pytest.fixture
def main(served: tuple[World, str]) -> Client:
    return Client(served[1], served[0])


@pytest.fixture
def american(served: tuple[World, str]) -> Client:
    """A client of the shop where, and with the token by which, the pipeline is told to read it."""
    world, url = served
    (told,) = [one for one in twin.instances(world, url) if one.name == SHOP_US.key]
    (name,) = [name for name, value in world.secrets.items() if value == told.secrets["access_token"]]
    return Client(url, world, str(told.settings["base_url"]).removeprefix(url), name)


def own(facts: list[Any], key: str) -> list[Any]:
    return [
        fact
        for fact in facts
        if fact.storefront == key and not (getattr(fact, "deleted_at", None) and fact.deleted_at <= NOW)
    ]


def test_each_is_read_where_and_as_it_is_told(served: tuple[World, str]) -> None:
    told = {one.name: one for one in twin.instances(*served)}
    assert set(told) == {MAIN_SHOP.key, SHOP_US.key}
    for field in ("domain", "base_url"):
        assert len({one.settings[field] for one in told.values()}) == 2
    assert len({one.secrets["access_token"] for one in told.values()}) == 2


def test_each_has_a_name_a_currency_and_a_time_zone(main: Client, american: Client) -> None:
    asked = "{ shop { myshopifyDomain currencyCode ianaTimezone } }"
    for client, front in ((main, MAIN_SHOP), (american, SHOP_US)):
        assert client.data(asked)["shop"] == {
            "myshopifyDomain": front.domain,
            "currencyCode": front.currency,
            "ianaTimezone": front.time_zone,
        }


def test_one_shops_token_does_not_open_the_other(main: Client, american: Client, served: Any) -> None:
    world, _ = served
    for client, other in ((main, american), (american, main)):
        assert client.post("{ shop { name } }", world.secrets[other.token_name]).status_code == 401


def test_each_shows_its_own_orders_and_the_customers_of_these(
    main: Client, american: Client, shop: Shop
) -> None:
    for client, front in ((main, MAIN_SHOP), (american, SHOP_US)):
        orders = {str(order.order_id): order for order in own(shop.orders, front.key)}
        shown = client.pages(ORDERS)
        assert {node["legacyResourceId"] for node in shown} == set(orders) and len(orders) > 30
        assert {node["name"] for node in shown} == {order.name for order in orders.values()}
        buyers = {node["customer"]["legacyResourceId"] for node in shown if node["customer"]}
        asked = """query ($after: String) { customers(first: 100, after: $after) {
          nodes { legacyResourceId } pageInfo { hasNextPage endCursor } } }"""
        assert {node["legacyResourceId"] for node in client.pages(asked, "customers")} == buyers


def test_the_shops_money_is_in_its_own_currency(main: Client, american: Client, shop: Shop) -> None:
    for client, front in ((main, MAIN_SHOP), (american, SHOP_US)):
        bags = [node["totalPriceSet"] for node in client.pages(ORDERS)]
        assert {bag["shopMoney"]["currencyCode"] for bag in bags} == {front.currency}
        same = [bag for bag in bags if bag["presentmentMoney"]["currencyCode"] == front.currency]
        assert all(bag["shopMoney"] == bag["presentmentMoney"] for bag in same) and same
    (dollars,) = {
        node["totalPriceSet"]["presentmentMoney"]["currencyCode"] for node in american.pages(ORDERS)
    }
    assert dollars == "USD"
    abroad = [
        node["totalPriceSet"]
        for node in main.pages(ORDERS)
        if node["totalPriceSet"]["presentmentMoney"]["currencyCode"] == "USD"
    ]
    assert all(
        Decimal(bag["shopMoney"]["amount"]) < Decimal(bag["presentmentMoney"]["amount"]) for bag in abroad
    )


def test_articles_cost_what_they_cost_in_the_shops_currency(
    main: Client, american: Client, shop: Shop
) -> None:
    for client, front in ((main, MAIN_SHOP), (american, SHOP_US)):
        known = {str(product.variant_id): product for product in own(shop.products, front.key)}
        shown = client.pages(VARIANTS, "productVariants")
        assert {node["legacyResourceId"] for node in shown} == set(known)
        for node in shown:
            cost, truth = node["inventoryItem"]["unitCost"], known[node["legacyResourceId"]].unit_cost
            if truth is None:
                assert cost is None
            else:
                assert Decimal(cost["amount"]) == Decimal(truth).scaleb(-4)
                assert cost["currencyCode"] == front.currency


def test_checkouts_stay_where_they_were_left(main: Client, american: Client, shop: Shop) -> None:
    for client, front in ((main, MAIN_SHOP), (american, SHOP_US)):
        shown = {int(node["id"].rpartition("/")[2]) for node in client.pages(CHECKOUTS, "abandonedCheckouts")}
        assert shown == {checkout.checkout_id for checkout in own(shop.checkouts, front.key)} != set()


def test_a_bulk_file_is_the_shops_own(main: Client, american: Client, shop: Shop) -> None:
    asked = "{ orders { edges { node { legacyResourceId } } } }"
    first = main.finish(asked)["url"]
    rows = american.rows(asked)
    assert {row["legacyResourceId"] for row in rows} == {
        str(order.order_id) for order in own(shop.orders, SHOP_US.key)
    }
    assert "/shopify/bulk/" in first and american.path != "/shopify"
