"""PrestaShop's twin: keys and their rights, lists by filter, sort and limit, and what can be seen at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from ecom_pipeline.sandbox.events import BOUTIQUE, PAIR, Order
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import prestashop as twin
from ecom_pipeline.sandbox.vendors.prestashop_objects import AWAITING, CANCELLED, DELIVERED, PAID, SHIPPED
from ecom_pipeline.sandbox.vendors.prestashop_query import FIELDS
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)


class Client:
    def __init__(self, world: World, url: str) -> None:
        (told,) = twin.instances(world, url)
        self.url = f"{told.settings['base_url']}/api"
        self.key = told.secrets["webservice_key"]

    def get(self, resource: str, key: str | None = None, **asked: Any) -> requests.Response:
        filters = {f"filter[{name[3:]}]": value for name, value in asked.items() if name.startswith("by_")}
        others = {name: value for name, value in asked.items() if not name.startswith("by_")}
        params = {"output_format": "JSON"} | others | filters
        return requests.get(f"{self.url}/{resource}", params, auth=(key or self.key, ""), timeout=5)

    def items(self, resource: str, **asked: Any) -> list[Any]:
        answer = self.get(resource, **{"display": "full"} | asked)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [] if body == [] else next(iter(body.values()))

    def ids(self, resource: str, **asked: Any) -> list[int]:
        return [one["id"] for one in self.items(resource, display="[id]", **asked)]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, str]]:
    world = World(generate_shop(7, date(2026, 1, 1), date(2026, 3, 31), 25.0, PAIR), NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    yield world
    world.set_now(NOW)
    world.missing_rights.clear()
    world.faults.clear()


@pytest.fixture
def site(served: tuple[World, str], world: World) -> Client:
    return Client(*served)


@pytest.fixture
def orders(world: World) -> list[Order]:
    return [order for order in world.shop.orders if order.storefront == BOUTIQUE.key]


def there(orders: list[Order], now: datetime = NOW) -> list[Order]:
    return [one for one in orders if one.created_at <= now and not (one.deleted_at and one.deleted_at <= now)]


def local(at: datetime) -> str:
    return f"{at.astimezone(PARIS):%Y-%m-%d %H:%M:%S}"


def test_a_key_is_the_name_and_opens_what_is_ticked(site: Client, world: World) -> None:
    refused = site.get("orders", key="wrong")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, 20)
    world.missing_rights.add(("prestashop", "orders"))
    refused = site.get("orders")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, 26)
    world.missing_rights.add(("prestashop", "GET customers"))
    refused = site.get("customers")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (405, 25)
    assert site.get("products").status_code == 200
    assert site.get("invoices").json()["errors"][0]["code"] == 27


def test_the_answer_is_xml_unless_json_is_asked_for(site: Client) -> None:
    answer = requests.get(f"{site.url}/orders", auth=(site.key, ""), timeout=5)
    assert answer.headers["Content-Type"].startswith("text/xml") and answer.text.startswith("<?xml")
    assert site.get("orders").headers["Content-Type"] == "application/json"


def test_a_list_without_anything_is_an_empty_list(site: Client) -> None:
    assert site.get("orders", by_id="[1]").json() == []
    assert set(site.get("orders", limit=1).json()) == {"orders"}
    assert set(site.get("order_slip", limit=1).json()) == {"order_slips"}


def test_what_is_shown_is_what_is_asked_for(site: Client) -> None:
    assert set(site.get("customers", limit=1).json()["customers"][0]) == {"id"}
    (one,) = site.items("customers", display="[id,email]", limit=1)
    assert set(one) == {"id", "email"}
    refused = site.get("customers", display="[id,shoe_size]")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 35)
    for resource, fields in FIELDS.items():
        (whole, *_) = site.items(resource)
        assert set(fields) <= set(whole)


def test_lists_are_filtered_by_values_spans_and_bounds(site: Client, orders: list[Order]) -> None:
    numbers = sorted(order.order_id for order in there(orders))
    assert len(numbers) > 50
    assert site.ids("orders") == numbers
    assert site.ids("orders", by_id=f"[{numbers[3]}|{numbers[1]}]") == [numbers[1], numbers[3]]
    assert site.ids("orders", by_id=f"[{numbers[5]},{numbers[2]}]") == numbers[2:6], "both included"
    assert site.ids("orders", by_id=f">[{numbers[-3]}]") == numbers[-2:]
    assert site.ids("orders", by_id=f"<[{numbers[2]}]") == numbers[:2]
    assert site.get("orders", by_shoe_size="[1]").json()["errors"][0]["code"] == 32


def test_lists_are_sorted_and_cut(site: Client, orders: list[Order]) -> None:
    numbers = sorted(order.order_id for order in there(orders))
    assert site.ids("orders", sort="[id_DESC]", limit=3) == numbers[:-4:-1]
    assert site.ids("orders", sort="[id_ASC]", limit="2,3") == numbers[2:5]
    assert site.ids("orders", limit="100000,5") == []
    amounts = [Decimal(one["total_paid"]) for one in site.items("orders", sort="[total_paid_ASC]")]
    assert amounts == sorted(amounts), "by size, not by letters"
    assert site.get("orders", sort="[id_UP]").json()["errors"][0]["code"] == 37
    assert site.get("orders", limit="1,2,3").json()["errors"][0]["code"] == 39


def test_dates_are_filtered_in_the_shops_time_and_only_when_it_is_said(
    site: Client, orders: list[Order]
) -> None:
    times = sorted(order.created_at for order in there(orders))
    span = f"[{local(times[10])},{local(times[20])}]"
    wanted = [order.order_id for order in there(orders) if times[10] <= order.created_at <= times[20]]
    assert len(wanted) == 11
    assert sorted(site.ids("orders", by_date_add=span, date=1)) == sorted(wanted)
    refused = site.get("orders", by_date_add=span)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 32)
    assert site.get("orders", sort="[date_add_ASC]").json()["errors"][0]["code"] == 32


def test_an_orders_totals_agree_with_its_articles(site: Client, orders: list[Order]) -> None:
    details = site.items("order_details")
    discounted = 0
    for told in site.items("orders"):
        order = next(one for one in orders if one.order_id == told["id"])
        own = [one for one in details if one["id_order"] == str(told["id"])]
        for tax, goods in (("excl", "total_products"), ("incl", "total_products_wt")):
            assert sum(Decimal(one[f"total_price_tax_{tax}"]) for one in own) == Decimal(told[goods])
            off, freight, paid = (
                Decimal(told[f"{name}_tax_{tax}"])
                for name in ("total_discounts", "total_shipping", "total_paid")
            )
            assert paid == Decimal(told[goods]) - off + freight
            discounted += off > 0
        assert (
            Decimal(told["total_paid"]) == Decimal(sum(line.paid for line in order.agreements[0].lines)) / 100
        )
    assert discounted > 10
    rules = {one["id_order"]: one for one in site.items("order_cart_rules")}
    codes = {str(one["id"]): one["code"] for one in site.items("cart_rules")}
    for order in there(orders):
        is_off = any(line.discount for line in order.agreements[0].lines)
        assert (str(order.order_id) in rules) == is_off
        if is_off:
            assert codes[rules[str(order.order_id)]["id_cart_rule"]] == (order.discount_code or "")


def test_a_slip_does_not_touch_its_order(site: Client, orders: list[Order], world: World) -> None:
    order = next(
        order
        for order in there(orders)
        if [one.kind for one in order.agreements] == ["order", "refund"]
        and sum(line.paid for agreement in order.agreements for line in agreement.lines) > 0
    )
    refund = order.agreements[1]
    world.set_now(refund.at - SECOND)
    (before,) = site.items("orders", by_id=f"[{order.order_id}]")
    assert site.items("order_slip", by_id_order=f"[{order.order_id}]") == []
    world.set_now(refund.at)
    assert site.items("orders", by_id=f"[{order.order_id}]") == [before]
    (told,) = site.items("order_slip", by_id_order=f"[{order.order_id}]")
    assert told["date_upd"] == local(refund.at) > before["date_upd"]
    given = told.get("associations", {}).get("order_slip_details", [])
    assert len(given) == sum(line.kind == "product" for line in refund.lines)
    back = Decimal(told["total_products_tax_incl"]) + Decimal(told["total_shipping_tax_incl"])
    assert back == Decimal(-sum(line.paid for line in refund.lines)) / 100 > 0


def test_an_order_goes_through_its_states(site: Client, orders: list[Order], world: World) -> None:
    def states(order: Order, now: datetime) -> list[int]:
        world.set_now(now)
        told = site.items("order_histories", by_id_order=f"[{order.order_id}]")
        found = site.items("orders", by_id=f"[{order.order_id}]")
        assert [one["current_state"] for one in found] == [told[-1]["id_order_state"]][: len(found)]
        return [int(one["id_order_state"]) for one in told]

    plain = next(
        one for one in orders if one.fulfillments and len(one.agreements) == 1 and not one.deleted_at
    )
    parcel = plain.fulfillments[0]
    assert parcel.delivered_at is not None
    assert states(plain, plain.created_at) == [PAID]
    assert states(plain, parcel.delivered_at) == [PAID, SHIPPED, DELIVERED]
    unpaid = next(one for one in orders if one.voided_at)
    assert unpaid.voided_at is not None
    assert states(unpaid, unpaid.created_at) == [AWAITING]
    assert states(unpaid, unpaid.voided_at) == [AWAITING, CANCELLED]
    cancelled = next(one for one in orders if one.cancelled_at and not one.voided_at and not one.deleted_at)
    assert states(cancelled, NOW) == [PAID, CANCELLED]
    assert site.items("order_slip", by_id_order=f"[{cancelled.order_id}]") == [], "no slip tells of it"
    counting = {one["id"] for one in site.items("order_states") if one["logable"] == "1"}
    assert {PAID, SHIPPED, DELIVERED} <= counting and not {AWAITING, CANCELLED} & counting


def test_what_was_deleted_is_gone_with_all_that_is_of_it(
    site: Client, orders: list[Order], world: World
) -> None:
    order = next(one for one in orders if one.deleted_at and one.deleted_at < NOW)
    assert order.deleted_at is not None
    world.set_now(order.deleted_at - SECOND)
    assert order.order_id in site.ids("orders")
    world.set_now(order.deleted_at)
    assert order.order_id not in site.ids("orders")
    for resource in ("order_details", "order_histories", "order_slip"):
        assert site.items(resource, by_id_order=f"[{order.order_id}]") == []


def test_combinations_and_their_stock_hang_below_their_product(site: Client, world: World) -> None:
    own = [product for product in world.shop.products if product.storefront == BOUTIQUE.key]
    below = site.items("combinations")
    assert {one["id"] for one in below} == {
        product.variant_id for product in own if product.variant_id != product.product_id
    }
    parents = {int(one["id_product"]) for one in below}
    assert {one["id"] for one in site.items("products")} == {product.product_id for product in own} > parents
    stock = {
        (int(one["id_product"]), int(one["id_product_attribute"])): int(one["quantity"])
        for one in site.items("stock_availables")
    }
    for parent in parents:
        each = [stock[parent, one["id"]] for one in below if int(one["id_product"]) == parent]
        assert len(each) > 1 and stock[parent, 0] == sum(each)


def test_a_host_in_front_answers_in_html(site: Client, world: World) -> None:
    world.faults.arm("prestashop", "server_error", status=503)
    down = site.get("orders")
    assert down.status_code == 503 and down.headers["Content-Type"].startswith("text/html")
    world.faults.arm("prestashop", "server_error", status=500)
    assert site.get("orders").json()["errors"]


def test_personal_details_are_told_unless_left_out(site: Client) -> None:
    for resource, harmless in (
        ("customers", "[id,email]"),
        ("addresses", "[id,id_country]"),
        ("orders", "[id]"),
    ):
        assert PERSONAL_CANARY in site.get(resource, display="full").text
        assert PERSONAL_CANARY not in site.get(resource, display=harmless).text
    assert PERSONAL_CANARY not in site.get("order_slip", display="full").text
