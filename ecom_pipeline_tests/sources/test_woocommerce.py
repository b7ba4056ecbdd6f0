"""WooCommerce: orders with refunds on their own days, keys that only read, nothing of the buyer but a hash and a country."""

from __future__ import annotations

import json
import re
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
from ecom_pipeline.sandbox.vendors.woocommerce_objects import (
    order_json,
    product_json,
    refund_json,
    review_json,
)
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.pseudonym import pseudonym
from ecom_pipeline.sources.woocommerce import WooCommerce, source
from ecom_pipeline.sources.woocommerce.source import WooCommerceSettings
from ecom_pipeline.sources.woocommerce.tables import (
    ORDER_FIELDS,
    ORDERS,
    PRODUCT_FIELDS,
    PRODUCTS,
    REFUND_FIELDS,
    REVIEW_FIELDS,
    REVIEWS,
    product_row,
)

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
    folder = shared / "specs" / "woocommerce"
    routes = json.loads((folder / "wc-v3-routes-9.9.5.json").read_text(encoding="utf-8"))["routes"]
    seen = set()
    for entry in world.log:
        path = entry.path.partition("/wp-json")[2]
        (found,) = [one for pattern, one in routes.items() if re.fullmatch(pattern, path)]
        seen.add(name := path.rpartition("/")[2])
        if name == "current":
            continue
        arguments = found["endpoints"][0]["args"]
        asked = dict(parse_qsl(entry.query, keep_blank_values=True))
        assert set(asked) <= set(arguments) | {"_fields"}  # known to every route of WordPress
        assert asked["orderby"] in arguments["orderby"]["enum"] and asked["order"] == "desc"
        if name in files:
            schema = json.loads((folder / f"{files[name]}.json").read_text(encoding="utf-8"))["schema"]
            for field in asked["_fields"].split(","):
                assert field.partition(".")[0] in schema["properties"]
    assert seen == {*files, "variations", "current"}


def test_the_twins_answers_are_those_of_a_running_shop(world: World, shop: Shop, shared: Path) -> None:
    api = Site(world, twin.fronts(world)[0])
    product = next(one for one in shop.products if one.storefront == "atelier")
    review = Review(1, "woocommerce", NOW, NOW, 5, product, None, True, None)
    views = api._orders()
    answers = {
        "orders": [order_json(view, api.zone, None) for view in views],
        "refunds": [refund_json(view, one, api.zone) for view in views for one in view.refunds],
        "products": [
            product_json([one for one in shop.products if one.product_id == number], api.zone)
            for number in sorted({one.product_id for one in shop.products if one.storefront == "atelier"})
        ],
        "products-reviews": [review_json(review, api.zone)],
    }
    for name, written in answers.items():
        file = shared / "specs" / "woocommerce" / f"schema-{name}.json"
        schema = json.loads(file.read_text(encoding="utf-8"))["schema"]
        assert len(written) > (name != "products-reviews")
        for one in written:
            assert misfits(one, schema, name) == []
            assert set(FIELDS[name]) <= {*one, "billing.email", "billing.country", "shipping.country"}


FIELDS = {
    "orders": ORDER_FIELDS, "refunds": REFUND_FIELDS, "products": PRODUCT_FIELDS,
    "products-reviews": REVIEW_FIELDS,
}  # fmt: skip
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "array": (list,), "object": (dict,), "date-time": (str,), "mixed": (str, int, float, list, dict),
}  # fmt: skip
UNLIKE_THEIR_SCHEMA = ("type", "status")  # a schema names the types and statuses one may write
NULLABLE = ("date_", "defined_value", "parent_name")  # as a running shop answers, whatever its schema says


def misfits(value: Any, schema: Any, path: str) -> list[str]:
    """Where an answer names what the schema does not know, or in another type."""
    name = path.rpartition(".")[2]
    if value is None:
        return [] if name.startswith(NULLABLE) else [f"{path} is null"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, KINDS[kind]) for kind in kinds if kind != "null"):
        return [f"{path} is {type(value).__name__}, not {kinds}"]
    if isinstance(value, list) and "items" in schema:
        return [found for one in value for found in misfits(one, schema["items"], path)]
    if isinstance(value, dict) and "properties" in schema:
        unknown = [f"{path}.{key} is unknown" for key in value if key not in schema["properties"]]
        known = [key for key in value if key in schema["properties"]]
        return unknown + [
            found
            for key in known
            for found in misfits(value[key], schema["properties"][key], f"{path}.{key}")
        ]
    allowed = schema.get("enum")
    return (
        [f"{path} is {value!r}"]
        if allowed and name not in UNLIKE_THEIR_SCHEMA and value not in allowed
        else []
    )


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
        assert rows[str(product.variant_id)]["unit_cost"] == cost
        assert rows[str(product.variant_id)]["currency"] == "EUR"
    for variable in (True, False):
        own = [one for one in products if (one.variant_id != one.product_id) is variable]
        assert {one.unit_cost is None for one in own} == {True, False}, (
            "with and without a cost, of both kinds"
        )


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (None, None),
        ({"values": [{"defined_value": None, "effective_value": 0}], "total_value": 0}, None),
        ({"values": [{"defined_value": Decimal("4.2"), "effective_value": 0}], "total_value": 5}, Decimal(5)),
    ],
)
def test_a_cost_nobody_entered_is_none_and_an_inherited_one_counts(told: Any, cost: Decimal | None) -> None:
    """Switched off; switched on and not entered; on top of what the product costs, told in the total only."""
    item = {"id": 4} if told is None else {"id": 4, "cost_of_goods_sold": told}
    assert product_row(Fields(item, "variation", "atelier"), 4, "Vase", "EUR")["unit_cost"] == cost


def test_variations_are_sold_and_costed_under_one_number(woo: WooCommerce, shop: Shop) -> None:
    costed = {row["id"] for row in woo.fetch(PRODUCTS, WHOLE)}
    sold = {line["product_id"] for row in fetched(woo) for line in row["lines"] if line["kind"] == "product"}
    assert sold <= costed
    assert sold & {str(one.variant_id) for one in shop.products if one.variant_id != one.product_id}


def test_a_payment_is_found_by_the_number_people_see(woo: WooCommerce) -> None:
    """Gateways write it on the payment; a plugin may make it another than the order's own."""
    rows = [row | {"number": f"AT-{row['number']}"} for row in fetched(woo)[:3]]
    mapped = map_rows(raw_orders(rows), WooCommerce.declared_mappings(woo.settings)["orders"])
    assert [(row["order_id"], row["order_reference"]) for row in mapped] == [
        (row["id"], f"AT-{row['id']}") for row in rows
    ]


def test_orders_of_one_second_are_read_once_each(
    woo: WooCommerce, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shop imports or closes many at once; the database leaves them in any order, on each page anew."""
    monkeypatch.setattr(source, "PAGE", 10)
    at = datetime(2026, 2, 10, 9, tzinfo=UTC)
    together = [
        order
        if order.storefront != "atelier"
        else replace(
            order,
            created_at=at,
            agreements=tuple(replace(one, at=at) for one in order.agreements),
            fulfillments=(),
            voided_at=None,
        )
        for order in shop.orders
    ]
    before, shop.orders[:] = list(shop.orders), together
    try:
        read = [row["id"] for row in woo.fetch(ORDERS, WHOLE)]
    finally:
        shop.orders[:] = before
    assert len(set(read)) == len(read) == len(alive(shop))


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
