"""WooCommerce: orders with refunds on their own days, keys that only read, nothing of the buyer but a hash and a country."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SourceError
from ecom_pipeline.sandbox.events import GROUP, Review, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import woocommerce as twin
from ecom_pipeline.sandbox.vendors.woocommerce import WooCommerce as Site
from ecom_pipeline.sandbox.vendors.woocommerce_objects import order_json
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.pseudonym import pseudonym
from ecom_pipeline.sources.woocommerce import WooCommerce, source
from ecom_pipeline.sources.woocommerce.source import WooCommerceSettings
from ecom_pipeline.sources.woocommerce.tables import ORDERS, PRODUCTS, REVIEWS

from .contract_suite import Case, SourceContract
from .vendor_sandbox import KEY, NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "woocommerce",
        "atelier",
        table="orders",
        column="date_modified_gmt",
        where="/wc/v3/orders",
        small_pages=("ecom_pipeline.sources.woocommerce.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = replace(GROUP, sources=("atelier",))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 25.0, GROUP)


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[tuple[World, str]]:
    world = World(shop, NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    world.log.clear()
    yield world
    world.faults.clear()
    world.missing_rights.clear()
    world.throttles.clear()
    world.set_now(NOW)


def client(served: tuple[World, str], **changed: Any) -> WooCommerce:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return WooCommerce(
        "atelier", WooCommerceSettings(**(told.settings | secrets | changed)), context_of(world)
    )


@pytest.fixture
def woo(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> WooCommerce:
    monkeypatch.setattr(WooCommerce, "patience", NO_SLEEP)
    return client(served)


def fetched(woo: WooCommerce, window: Window = WHOLE) -> list[Any]:
    return sorted(woo.fetch(ORDERS, window), key=lambda row: int(row["id"]))


def alive(shop: Shop) -> list[Any]:
    return [
        order
        for order in shop.orders
        if order.storefront == "atelier" and not (order.deleted_at and order.deleted_at <= NOW)
    ]


def test_every_order_of_this_shop_and_no_other(woo: WooCommerce, shop: Shop) -> None:
    rows = fetched(woo)
    orders = {str(order.order_id): order for order in alive(shop)}
    assert [row["id"] for row in rows] == list(orders)
    assert 100 < len(rows) < len(shop.orders)
    for row in rows:
        order = orders[row["id"]]
        assert row["created_at"] == order.created_at.replace(microsecond=0)
        assert row["customer"] == pseudonym(order.email, KEY)
        assert (row["country"], row["device"], row["currency"]) == (order.country, order.device, "EUR")
        assert row["is_revenue"] == (order.voided_at is None or order.voided_at > NOW)


def test_lines_are_what_was_agreed_each_on_its_day(woo: WooCommerce, shop: Shop) -> None:
    """To the cent, sale and refunds, over every order."""
    rows = {row["id"]: row for row in fetched(woo)}
    refunds = 0
    for order in alive(shop):
        if order.voided_at is not None:
            continue
        told = sorted(
            (line["happened_at"], line["kind"], line["total"], line["tax"])
            for line in rows[str(order.order_id)]["lines"]
        )
        agreed = sorted(
            (
                agreement.at.replace(microsecond=0),
                line.kind,
                Decimal(line.gross - line.discount) / 100,
                Decimal(line.tax) / 100,
            )
            for agreement in order.agreements
            if agreement.at <= NOW
            for line in agreement.lines
        )
        assert told == agreed
        refunds += len(order.agreements) > 1
    assert refunds > 3


def test_the_mapped_ledger_holds_gross_and_discounts(woo: WooCommerce, shop: Shop) -> None:
    connection = raw_orders(fetched(woo))
    mappings = WooCommerce.declared_mappings(woo.settings)
    lines = map_rows(connection, mappings["sale_lines"])
    sold = [line for order in alive(shop) for line in order.agreements[0].lines if line.kind == "product"]
    mapped = [line for line in lines if line["action"] == "sale" and line["kind"] == "product"]
    assert sum(line["gross"] for line in mapped) == Decimal(sum(line.gross for line in sold)) / 100
    assert sum(line["discount"] for line in mapped) == Decimal(sum(line.discount for line in sold)) / 100 > 0
    restocked = sum(row["quantity"] for row in map_rows(connection, mappings["restocks"]))
    assert restocked == sum(
        restock.quantity
        for order in alive(shop)
        if order.voided_at is None
        for agreement in order.agreements
        if agreement.at <= NOW
        for restock in agreement.restocks
    )
    parcels = map_rows(connection, mappings["shipments"])
    assert len(parcels) == sum(
        any(one.shipped_at <= NOW for one in order.fulfillments)
        for order in alive(shop)
        if order.voided_at is None
    )


def raw_orders(rows: list[Any]) -> Any:
    """The orders and their lines as a mapping finds them."""
    lines = [line | {"id": row["id"]} for row in rows for line in row["lines"]]
    connection = raw_tables({"orders": (ORDERS, rows)})
    columns = ", ".join(f"{column.name} {column.type.value}" for column in ORDERS.children[0].columns)
    connection.execute(f"CREATE TABLE source.lines (_record VARCHAR, {columns})")
    names = [column.name for column in ORDERS.children[0].columns]
    marks = ", ".join("?" for _ in range(len(names) + 1))
    connection.executemany(
        f"INSERT INTO source.lines VALUES ({marks})",
        [(line["id"], *(line[name] for name in names)) for line in lines],
    )
    return connection


def test_an_amount_given_back_without_a_line_stands_apart(woo: WooCommerce, shop: Shop, world: World) -> None:
    order = next(
        one
        for one in alive(shop)
        if one.voided_at is None and len(one.agreements) > 1 and one.agreements[1].at <= NOW
    )
    at = shop.orders.index(order)
    refund = order.agreements[1]
    bare = replace(refund, lines=tuple(replace(line, kind="adjustment") for line in refund.lines))
    shop.orders[at] = replace(order, agreements=(order.agreements[0], bare))
    try:
        (row,) = [row for row in fetched(woo) if row["id"] == str(order.order_id)]
    finally:
        shop.orders[at] = order
    (beyond,) = [line for line in row["lines"] if line["refund_id"] is not None]
    assert beyond["kind"] == "adjustment"
    assert beyond["total"] == Decimal(sum(line.paid for line in refund.lines)) / 100 < 0
    assert beyond["tax"] == 0 and beyond["quantity"] == 0


def test_channels_follow_what_the_site_noted(woo: WooCommerce, shop: Shop) -> None:
    told = {row["id"]: (row["utm_source"], row["utm_medium"], row["utm_campaign"]) for row in fetched(woo)}
    seen = set()
    for order in alive(shop):
        visit = order.visit
        if visit.source:
            assert told[str(order.order_id)] == (visit.source, visit.medium, visit.campaign)
        elif visit.referrer_url is None:
            assert told[str(order.order_id)] == ("(direct)", None, None)
        else:
            assert told[str(order.order_id)][1] in ("organic", "referral")
        seen.add((bool(visit.source), visit.referrer_url is None))
    assert len(seen) == 3


def test_requests_and_answers_are_those_of_a_running_shop(
    woo: WooCommerce, world: World, shared: Path
) -> None:
    for table in (ORDERS, PRODUCTS, REVIEWS):
        list(woo.fetch(table, WHOLE))
    files = {
        "orders": "schema-orders", "refunds": "schema-refunds", "products": "schema-products",
        "reviews": "schema-products-reviews",
    }  # fmt: skip
    seen = set()
    for entry in world.log:
        name = entry.path.rpartition("/")[2]
        if name not in files:
            continue
        schema = json.loads(
            (shared / "specs" / "woocommerce" / f"{files[name]}.json").read_text(encoding="utf-8")
        )
        allowed = set(schema["endpoints"][0]["args"]) | {"_fields"}  # known to every route of WordPress
        asked = dict(parse_qsl(entry.query, keep_blank_values=True))
        assert set(asked) <= allowed
        for field in asked["_fields"].split(","):
            assert field.partition(".")[0] in schema["schema"]["properties"]
        seen.add(name)
    assert seen == set(files)
    api = Site(world, twin.fronts(world)[0])
    order = order_json(api._orders()[0], api.zone, None)
    schema = json.loads((shared / "specs" / "woocommerce" / "schema-orders.json").read_text(encoding="utf-8"))
    known = schema["schema"]["properties"]
    assert set(order) <= set(known)
    for name in ("line_items", "shipping_lines", "coupon_lines", "refunds"):
        for one in order[name]:
            assert set(one) <= set(known[name]["items"]["properties"]), name
    assert set(order["billing"]) <= set(known["billing"]["properties"])


def test_only_what_is_kept_is_asked_for(woo: WooCommerce, world: World) -> None:
    fetched(woo)
    (first, *_) = [dict(parse_qsl(entry.query)) for entry in world.log if entry.path.endswith("/orders")]
    assert "billing.email" in first["_fields"] and "billing.phone" not in first["_fields"]
    assert "customer_note" not in first["_fields"] and "include_meta" in first


def test_an_order_that_leaves_the_list_while_it_is_read(
    woo: WooCommerce, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted between two pages, it would take the last of the next page with it."""
    monkeypatch.setattr(source, "PAGE", 20)
    expected = {row["id"] for row in fetched(woo)}
    victim = max(alive(shop), key=lambda order: order.created_at)
    at = shop.orders.index(victim)
    asked: list[int] = []
    honest = WooCommerce._page

    def page(self: WooCommerce, http: Any, path: str, params: Any, number: int, named: str) -> Any:
        if path == "orders":
            asked.append(number)
            if len(asked) == 2:
                shop.orders[at] = replace(victim, deleted_at=NOW - timedelta(minutes=1))
        return honest(self, http, path, params, number, named)

    monkeypatch.setattr(WooCommerce, "_page", page)
    try:
        found = {row["id"] for row in woo.fetch(ORDERS, WHOLE)}
    finally:
        shop.orders[at] = victim
    assert found >= expected - {str(victim.order_id)}
    assert asked.count(1) == 2, "it is read again from the first page"


def test_a_tired_host_is_waited_for(woo: WooCommerce, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 20)
    calm = fetched(woo)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(WooCommerce, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["woocommerce"] = 2
    assert fetched(woo) == calm
    assert now[0] > 0


def test_products_have_the_cost_somebody_entered(woo: WooCommerce, shop: Shop) -> None:
    rows = {row["id"]: row for row in woo.fetch(PRODUCTS, WHOLE)}
    products = [product for product in shop.products if product.storefront == "atelier"]
    assert len(rows) == len(products)
    for product in products:
        cost = None if product.unit_cost is None else Decimal(product.unit_cost).scaleb(-4)
        assert rows[str(product.product_id)]["unit_cost"] == cost
        assert rows[str(product.product_id)]["currency"] == "EUR"
    assert any(row["unit_cost"] is None for row in rows.values())


def test_reviews_are_stars_and_no_words(woo: WooCommerce, shop: Shop) -> None:
    product = next(one for one in shop.products if one.storefront == "atelier")
    at = datetime(2026, 2, 3, 10, tzinfo=UTC)
    mine = [
        Review(1, "woocommerce", at, at, 5, product, None, True, None),
        Review(2, "woocommerce", at, at, 1, product, None, False, NOW - timedelta(days=1)),
        Review(3, "judgeme", at, at, 2, product, None, True, None),
    ]
    kept, shop.reviews = shop.reviews, mine
    try:
        rows = list(woo.fetch(REVIEWS, WHOLE))
    finally:
        shop.reviews = kept
    assert [(row["id"], row["stars"], row["verified"]) for row in rows] == [("1", 5, True)]
    assert PERSONAL_CANARY not in repr(rows)


def test_a_status_of_a_plugin_counts_when_it_is_named(served: tuple[World, str], woo: WooCommerce) -> None:
    narrow = client(served, revenue_statuses=("completed",))
    counted = {row["status"] for row in fetched(narrow) if row["is_revenue"]}
    assert counted == {"completed"}
    assert {row["status"] for row in fetched(woo) if row["is_revenue"]} > counted


def test_a_key_without_the_right_to_read(served: tuple[World, str], woo: WooCommerce, world: World) -> None:
    world.missing_rights.add(("woocommerce", "read"))
    (finding,) = woo.check()
    assert finding.state == "error" and "Read" in finding.mend
    with pytest.raises(AuthenticationError) as caught:
        fetched(woo)
    assert SECRET_CANARY not in str(caught.value)


def test_a_plugin_that_answers_otherwise_is_named(woo: WooCommerce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecom_pipeline.sources.http.HttpClient.get_page", lambda *_, **__: ({}, {}))
    with pytest.raises(SourceError, match="is no list of orders"):
        fetched(woo)
