"""PrestaShop: orders with slips on their own days, states that decide, rights resource by resource, naive times."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import SourceError
from ecom_pipeline.sandbox.events import BOUTIQUE, PAIR, Order, Product, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import prestashop as twin
from ecom_pipeline.sandbox.vendors.prestashop_query import FIELDS as DOCUMENTED
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient
from ecom_pipeline.sources.prestashop import PrestaShop, source
from ecom_pipeline.sources.prestashop.source import PrestaShopSettings
from ecom_pipeline.sources.prestashop.tables import FIELDS, ORDERS, PRODUCTS
from ecom_pipeline.sources.pseudonym import pseudonym

from .contract_suite import Case, SourceContract
from .vendor_sandbox import KEY, NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)
PARIS = ZoneInfo("Europe/Paris")


class TestContract(SourceContract):
    case = Case(
        "prestashop",
        "boutique",
        table="orders",
        column="date_upd",
        where="/api/orders?",
        small_pages=("ecom_pipeline.sources.prestashop.source.PAGE",),
        page_rows=1,
        paged_days=25,
    )
    business = replace(PAIR, sources=("boutique",))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 30.0, PAIR)


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


def client(served: tuple[World, str], **changed: Any) -> PrestaShop:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    settings = PrestaShopSettings(**(told.settings | secrets | changed))
    return PrestaShop("boutique", settings, context_of(world))


@pytest.fixture
def presta(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> PrestaShop:
    monkeypatch.setattr(PrestaShop, "patience", NO_SLEEP)
    return client(served)


def fetched(presta: PrestaShop, window: Window = WHOLE) -> list[Any]:
    return sorted(presta.fetch(ORDERS, window), key=lambda row: int(row["id"]))


def alive(shop: Shop) -> list[Order]:
    return [
        order
        for order in shop.orders
        if order.storefront == BOUTIQUE.key and not (order.deleted_at and order.deleted_at <= NOW)
    ]


def kept(order: Order) -> bool:
    """Whether the order came to be one: its payment was not given up."""
    return order.voided_at is None


def told_at(at: datetime) -> datetime:
    """An instant as the shop can tell it: whole seconds of its own time."""
    return (
        at.astimezone(PARIS).replace(microsecond=0, tzinfo=None, fold=0).replace(tzinfo=PARIS).astimezone(UTC)
    )


def test_every_order_of_this_shop_and_no_other(presta: PrestaShop, shop: Shop) -> None:
    rows = fetched(presta)
    orders = {str(order.order_id): order for order in alive(shop)}
    assert [row["id"] for row in rows] == list(orders)
    assert 100 < len(rows) < len(shop.orders)
    assert {kept(order) for order in orders.values()} == {True, False}
    for row in rows:
        order = orders[row["id"]]
        assert row["created_at"] == told_at(order.created_at)
        assert row["customer"] == pseudonym(order.email, KEY)
        assert (row["reference"], row["country"], row["currency"]) == (order.name, order.country, "EUR")
        assert row["is_counted"] == kept(order)
        assert row["discount_code"] == (order.discount_code or None)
        cancelled = [one.at for one in order.agreements if one.kind == "cancel" and kept(order)]
        assert row["cancelled_at"] == (told_at(cancelled[0]) if cancelled else None)
    assert {"BIENVENUE10", None} <= {row["discount_code"] for row in rows}


def test_lines_add_up_to_what_was_agreed_each_on_its_day(presta: PrestaShop, shop: Shop) -> None:
    """To the cent for goods and for shipping, at the sale, each slip, and a cancellation, which has no slip."""
    rows = {row["id"]: row for row in fetched(presta)}
    seen: Counter[str] = Counter()
    for order in filter(kept, alive(shop)):
        told: defaultdict[tuple[datetime, str, str], Decimal] = defaultdict(Decimal)
        for line in rows[str(order.order_id)]["lines"]:
            told[line["happened_at"], line["kind"], "net"] += line["total"]
            told[line["happened_at"], line["kind"], "tax"] += line["tax"]
        agreed: defaultdict[tuple[datetime, str, str], Decimal] = defaultdict(Decimal)
        for agreement in order.agreements:
            seen[agreement.kind] += 1
            for line in agreement.lines:
                at = told_at(agreement.at)
                agreed[at, line.kind, "net"] += Decimal(line.gross - line.discount) / 100
                agreed[at, line.kind, "tax"] += Decimal(line.tax) / 100
        assert told == agreed
    assert seen["refund"] > 5 and seen["cancel"] >= 1 and seen["order"] > 100


def test_the_mapped_ledger_holds_gross_discounts_and_articles(presta: PrestaShop, shop: Shop) -> None:
    connection = raw_orders(fetched(presta))
    mappings = PrestaShop.declared_mappings(presta.settings)
    lines = map_rows(connection, mappings["sale_lines"])
    assert len({line["line_id"] for line in lines}) == len(lines), "unique over all orders"
    sold = [line for order in alive(shop) for line in order.agreements[0].lines if line.kind == "product"]
    mapped = [line for line in lines if line["action"] == "sale" and line["kind"] == "product"]

    def by_article(pairs: list[tuple[str, int]]) -> Counter[str]:
        found: Counter[str] = Counter()
        for name, cents in pairs:
            found[name] += cents
        return found

    gross = by_article([(line["product_id"], int(line["gross"] * 100)) for line in mapped])
    assert gross == by_article([(number(line.product), line.gross) for line in sold if line.product])
    assert sum(line["discount"] for line in mapped) == Decimal(sum(line.discount for line in sold)) / 100 > 0
    counted = [order for order in alive(shop) if kept(order)]
    voided = {str(order.order_id) for order in alive(shop) if not kept(order)}
    restocked = Counter(row["restock_type"] for row in map_rows(connection, mappings["restocks"]))
    wanted = Counter(
        "cancelled" if agreement.kind == "cancel" else "returned"
        for order in counted
        for agreement in order.agreements
        for _ in agreement.restocks
    )
    assert restocked == wanted and set(wanted) == {"cancelled", "returned"}
    parcels = map_rows(connection, mappings["shipments"])
    assert len(parcels) == sum(bool(order.fulfillments) for order in counted)
    orders = map_rows(connection, mappings["orders"])
    assert {row["order_id"] for row in orders if row["is_voided"]} == voided


def raw_orders(rows: list[Any]) -> Any:
    """The orders and their lines as a mapping finds them."""
    connection = raw_tables({"orders": (ORDERS, rows)})
    (child,) = ORDERS.children
    columns = ", ".join(f"{column.name} {column.type.value}" for column in child.columns)
    connection.execute(f"CREATE TABLE source.lines (_record VARCHAR, {columns})")
    names = [column.name for column in child.columns]
    values = [(row["id"], *(line[name] for name in names)) for row in rows for line in row["lines"]]
    marks = ", ".join("?" for _ in range(len(names) + 1))
    connection.executemany(f"INSERT INTO source.lines VALUES ({marks})", values)
    return connection


def number(product: Product) -> str:
    """An article's number: products and combinations are counted apart."""
    simple = product.variant_id == product.product_id
    return str(product.product_id) if simple else f"{product.product_id}-{product.variant_id}"


def test_a_slip_leaves_its_order_as_it_is_and_is_read_on_its_day(presta: PrestaShop, shop: Shop) -> None:
    """The order's own time of change does not move; it is read again because of the slip."""
    order = next(
        order
        for order in alive(shop)
        if [one.kind for one in order.agreements] == ["order", "refund"]
        and -sum(line.paid for line in order.agreements[1].lines)
        < sum(line.paid for line in order.agreements[0].lines)
        and order.agreements[1].at.date() < LAST
    )
    at = order.agreements[1].at
    day = at.astimezone(PARIS).date()
    known = [one.delivered_at for one in order.fulfillments]
    assert known[0] is not None and known[0].astimezone(PARIS).date() < day
    (row,) = [row for row in fetched(presta, window_of(day, day)) if row["id"] == str(order.order_id)]
    assert row["updated_at"] == told_at(at)
    before = fetched(presta, window_of(FIRST, day - timedelta(days=1)))
    assert row in before, "read for an earlier window, it is told as it is today"


def test_only_what_is_kept_is_asked_for_and_only_of_the_resources_named(
    presta: PrestaShop, world: World
) -> None:
    for table in (ORDERS, PRODUCTS):
        list(presta.fetch(table, WHOLE))
    seen = set()
    for entry in world.log:
        resource = entry.path.rpartition("/api/")[2]
        seen.add(resource)
        asked = dict(parse_qsl(entry.query))
        assert asked["output_format"] == "JSON"
        fields = asked["display"].strip("[]").split(",")
        assert fields == ["full"] or set(fields) <= set(FIELDS[resource] or ("id", "id_order"))
        assert fields == ["full"] or set(fields) <= set(DOCUMENTED[resource])
        assert ("date" in asked) == ("filter[date_upd]" in asked), "dates are filtered only when it is said"
    assert seen == set(FIELDS)
    assert FIELDS["customers"] == ("id", "email") and FIELDS["addresses"] == ("id", "id_country")
    assert [name for name, fields in FIELDS.items() if not fields] == ["order_slip"]
    for name in FIELDS:
        assert name in PrestaShop.credentials


@pytest.mark.parametrize("right", ["{}", "GET {}"])
@pytest.mark.parametrize("resource", list(FIELDS))
def test_the_doctor_names_the_one_resource_that_is_not_ticked(
    presta: PrestaShop, world: World, resource: str, right: str
) -> None:
    world.missing_rights.add(("prestashop", right.format(resource)))
    findings = presta.check()
    (error,) = [one for one in findings if one.state == "error"]
    assert error.subject == f"boutique, {resource}" and f"tick GET for {resource}" in error.mend
    assert "the key may not" in error.detail and len(findings) == len(FIELDS)


def test_a_key_that_opens_nothing_is_named_once(served: tuple[World, str], world: World) -> None:
    (error,) = client(served, webservice_key=SecretStr("wrong")).check()
    assert "the key does not exist or is switched off" in error.detail
    assert all(resource in error.mend for resource in FIELDS)


def test_an_order_that_leaves_the_list_while_it_is_read_takes_no_other_with_it(
    presta: PrestaShop, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed between two pages, an order leaves a window of the past; what followed it must not be passed over."""
    monkeypatch.setattr(source, "PAGE", 20)
    expected = {row["id"] for row in fetched(presta)}
    victim = min(alive(shop), key=lambda order: order.created_at)
    at, asked, honest = shop.orders.index(victim), [0], PrestaShop._list

    def listed(self: PrestaShop, http: Any, resource: str, params: Any, named: str) -> Any:
        asked[0] += resource == "orders"
        if asked[0] == 2:
            shop.orders[at] = replace(victim, deleted_at=NOW - timedelta(minutes=1))
        return honest(self, http, resource, params, named)

    monkeypatch.setattr(PrestaShop, "_list", listed)
    try:
        found = {row["id"] for row in presta.fetch(ORDERS, WHOLE)}
    finally:
        shop.orders[at] = victim
    assert asked[0] > 5
    assert found >= expected - {str(victim.order_id)}


def test_bounds_are_the_shops_own_time(served: tuple[World, str], world: World) -> None:
    """Of a shop overseas the business's midnight lies in the afternoon before."""
    away = client(served, time_zone="America/New_York")
    list(away.fetch(ORDERS, window_of(date(2026, 2, 3), date(2026, 2, 3))))
    (asked,) = {
        dict(parse_qsl(entry.query))["filter[date_upd]"]
        for entry in world.log
        if entry.path.endswith("/orders")
    }
    assert asked == "[2026-02-02 18:00:00,2026-02-03 17:59:59]"


def test_a_tired_host_is_waited_for(
    presta: PrestaShop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, now = fetched(presta), [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(PrestaShop, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["prestashop"] = 2
    assert fetched(presta) == calm
    assert now[0] > 0


def test_products_have_the_cost_and_the_stock_of_today(presta: PrestaShop, shop: Shop) -> None:
    rows = {row["id"]: row for row in presta.fetch(PRODUCTS, WHOLE)}
    products = [product for product in shop.products if product.storefront == BOUTIQUE.key]
    shelves = {stock.product.variant_id: stock for stock in shop.stock if stock.day == LAST}
    assert set(rows) == {number(product) for product in products}
    for product in products:
        row, cost = rows[number(product)], product.unit_cost
        assert row["unit_cost"] == (None if cost is None else Decimal(cost).scaleb(-4))
        assert (row["currency"], row["on_hand"]) == ("EUR", shelves[product.variant_id].on_hand)
        assert row["name"] in product.title, "in the first language"
    for combined in (True, False):
        own = [one for one in products if (one.variant_id != one.product_id) is combined]
        assert {one.unit_cost is None for one in own} == {True, False}, (
            "with and without a cost, of both kinds"
        )
    sold = {
        line["product_id"] for row in fetched(presta) for line in row["lines"] if line["kind"] == "product"
    }
    assert sold <= set(rows) and any("-" in one for one in sold)


def answers(monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]) -> None:
    """Let resources answer with these items, whatever is asked of them."""

    def listed(self: PrestaShop, http: Any, resource: str, asked: Any, named: str) -> Any:
        return [Fields(item, resource, named) for item in told.get(resource, ())]

    monkeypatch.setattr(PrestaShop, "_list", listed)


def test_a_combination_without_a_cost_has_that_of_its_product(
    presta: PrestaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(
        monkeypatch,
        {
            "currencies": [{"id": 1, "iso_code": "CHF", "conversion_rate": "1.000000"}],
            "products": [{"id": 7, "name": "Vase", "wholesale_price": "4.200000", "active": "0"}],
            "combinations": [
                {"id": 7, "id_product": "7", "wholesale_price": "0.000000"},
                {"id": 8, "id_product": "7", "wholesale_price": "5.000000"},
            ],
        },
    )
    costs = {row["id"]: row["unit_cost"] for row in presta.fetch(PRODUCTS, WHOLE)}
    assert costs == {"7-7": Decimal("4.2"), "7-8": Decimal(5)}
    (row, _) = presta.fetch(PRODUCTS, WHOLE)
    assert (row["name"], row["currency"], row["on_hand"], row["is_active"]) == ("Vase", "CHF", None, False)


def test_a_shop_whose_currency_is_not_sure_says_so(
    presta: PrestaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated = [{"id": at, "iso_code": code, "conversion_rate": "1"} for at, code in ((1, "EUR"), (2, "XPF"))]
    answers(monkeypatch, {"currencies": rated})
    with pytest.raises(SourceError, match="which currency") as caught:
        list(presta.fetch(PRODUCTS, WHOLE))
    assert "exchange rates" in caught.value.mend


def test_an_answer_that_is_no_list_is_named(presta: PrestaShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpClient, "get_json", lambda *_: {"notice": "x", "orders": []})
    with pytest.raises(SourceError, match="no list of order_states"):
        list(presta.fetch(ORDERS, WHOLE))
