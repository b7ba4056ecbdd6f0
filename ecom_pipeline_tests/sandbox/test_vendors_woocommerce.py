"""WooCommerce's twin: keys, pages by number, naive times, and what of an order can be seen at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from ecom_pipeline.sandbox.events import ATELIER, GROUP, Order
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import woocommerce as twin
from ecom_pipeline.sandbox.vendors.woocommerce_objects import ATTRIBUTION
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


class Client:
    def __init__(self, world: World, url: str) -> None:
        (told,) = twin.instances(world, url)
        self.url = f"{told.settings['base_url']}/wp-json/wc/v3"
        self.key = (told.secrets["consumer_key"], told.secrets["consumer_secret"])

    def get(self, path: str, key: tuple[str, str] | None = None, **asked: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path}", asked, auth=key or self.key, timeout=5)

    def everything(self, path: str, **asked: Any) -> list[Any]:
        """All pages, as their number is announced."""
        found, page, pages = [], 1, 1
        while page <= pages:
            answer = self.get(path, **{"per_page": 100, "page": page, **asked})
            assert answer.status_code == 200, answer.text
            found += answer.json()
            page, pages = page + 1, int(answer.headers["X-WP-TotalPages"])
        return found


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, str]]:
    world = World(generate_shop(7, date(2026, 1, 1), date(2026, 3, 31), 25.0, GROUP), NOW)
    with run_sandbox(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> Iterator[World]:
    world, _ = served
    yield world
    world.set_now(NOW)
    world.missing_rights.clear()
    world.throttles.clear()
    world.faults.clear()


@pytest.fixture
def site(served: tuple[World, str], world: World) -> Client:
    return Client(*served)


@pytest.fixture
def orders(world: World) -> list[Order]:
    return [order for order in world.shop.orders if order.storefront == ATELIER.key]


def there(orders: list[Order], now: datetime = NOW) -> list[Order]:
    return [one for one in orders if one.created_at <= now and not (one.deleted_at and one.deleted_at <= now)]


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def test_a_key_opens_one_site_and_may_lack_the_right_to_read(site: Client, world: World) -> None:
    for key in ((site.key[0], "cs_wrong"), ("ck_wrong", site.key[1])):
        refused = site.get("orders", key)
        assert (refused.status_code, refused.json()["code"]) == (401, "woocommerce_rest_cannot_view")
    world.missing_rights.add(("woocommerce", "read"))
    assert site.get("orders").json()["code"] == "woocommerce_rest_authentication_error"


def test_ten_a_page_by_default_and_a_hundred_at_most(site: Client, orders: list[Order]) -> None:
    answer = site.get("orders")
    count = len(there(orders))
    assert len(answer.json()) == 10 and count > 100
    assert answer.headers["X-WP-Total"] == str(count)
    assert answer.headers["X-WP-TotalPages"] == str(-(-count // 10))
    refused = site.get("orders", per_page=101)
    assert refused.status_code == 400 and refused.json()["code"] == "rest_invalid_param"
    assert "per_page" in refused.json()["data"]["params"]
    assert site.get("orders", page=10_000).json() == []


def test_links_lead_to_the_pages_beside(site: Client) -> None:
    first, middle = site.get("orders", per_page=20).links, site.get("orders", per_page=20, page=2).links
    assert set(first) == {"next"} and set(middle) == {"next", "prev"}
    following = requests.get(first["next"]["url"], auth=site.key, timeout=5)
    assert following.json() == site.get("orders", per_page=20, page=2).json()
    last = int(site.get("orders", per_page=20).headers["X-WP-TotalPages"])
    assert set(site.get("orders", per_page=20, page=last).links) == {"prev"}


def test_only_the_number_of_an_order_orders_a_list_for_sure(site: Client, orders: list[Order]) -> None:
    """Two of the same second come as the database likes, on each page anew."""
    ids = [one["id"] for one in site.everything("orders", orderby="id", order="desc")]
    assert ids == sorted((one.order_id for one in there(orders)), reverse=True)
    assert site.get("orders", orderby="total").status_code == 400


def test_bounds_are_the_sites_time_unless_it_is_said_otherwise(site: Client, orders: list[Order]) -> None:
    at = sorted(one.created_at for one in there(orders))[40]
    later = {one.order_id for one in there(orders) if one.created_at.replace(microsecond=0) > at}
    for bound, gmt in ((at, "true"), (at.astimezone(PARIS), "false")):
        asked = {"after": written(bound), "dates_are_gmt": gmt}
        assert {one["id"] for one in site.everything("orders", **asked)} == later
    confused = site.everything("orders", after=written(at))
    assert {one["id"] for one in confused} > later, "UTC taken for Paris lies an hour earlier"
    assert site.get("orders", after="yesterday").status_code == 400


def test_a_refund_touches_its_order_and_leaves_its_total(site: Client, orders: list[Order]) -> None:
    order = next(
        one
        for one in there(orders)
        if len(one.agreements) > 1 and not one.voided_at and one.agreements[1].at < NOW
    )
    refund = order.agreements[-1]
    bounds = {"modified_after": written(refund.at - timedelta(seconds=1)), "dates_are_gmt": "true"}
    (told,) = [one for one in site.everything("orders", **bounds) if one["id"] == order.order_id]
    paid = sum(line.paid for line in order.agreements[0].lines)
    assert told["total"] == f"{paid // 100}.{paid % 100:02d}"
    assert told["date_modified_gmt"] == written(refund.at)
    assert all(one["total"].startswith("-") for one in told["refunds"])
    refunds = site.everything("refunds", parent=order.order_id)
    assert {one["id"] for one in refunds} == {one["id"] for one in told["refunds"]}
    for one in refunds:
        assert not one["amount"].startswith("-") and one["parent_id"] == order.order_id
        for line in one["line_items"]:
            assert line["total"].startswith("-") and line["quantity"] < 0
            (item,) = [meta["value"] for meta in line["meta_data"] if meta["key"] == "_refunded_item_id"]
            assert int(item) in {sold["id"] for sold in told["line_items"]}


def test_an_order_is_shown_as_it_was_at_the_time(site: Client, orders: list[Order], world: World) -> None:
    order = next(
        one for one in orders if one.fulfillments and len(one.agreements) == 1 and not one.deleted_at
    )
    shipped_at = order.fulfillments[0].shipped_at

    def status(now: datetime) -> list[tuple[str, Any]]:
        world.set_now(now)
        found = site.everything("orders", orderby="id")
        return [(one["status"], one["date_completed_gmt"]) for one in found if one["id"] == order.order_id]

    second = timedelta(seconds=1)
    assert status(order.created_at - second) == []
    assert status(order.created_at) == [("processing", None)]
    assert status(shipped_at) == [("completed", written(shipped_at))]


def test_what_was_deleted_is_gone_with_its_refunds(site: Client, orders: list[Order], world: World) -> None:
    order = next(one for one in orders if one.deleted_at and one.deleted_at < NOW)
    assert order.deleted_at is not None
    world.set_now(order.deleted_at - timedelta(seconds=1))
    assert order.order_id in {one["id"] for one in site.everything("orders")}
    world.set_now(order.deleted_at)
    assert order.order_id not in {one["id"] for one in site.everything("orders", status="any")}
    assert site.everything("refunds", parent=order.order_id) == []


def test_variations_hang_below_their_product(site: Client, world: World) -> None:
    own = [product for product in world.shop.products if product.storefront == ATELIER.key]
    shown = site.everything("products", orderby="id")
    assert {one["id"] for one in shown} == {product.product_id for product in own}
    parents = [one for one in shown if one["type"] == "variable"]
    assert parents and len(parents) < len(shown)
    for parent in parents:
        below = site.everything(f"products/{parent['id']}/variations", orderby="id")
        assert sorted(one["id"] for one in below) == sorted(parent["variations"])
        assert set(parent["variations"]) == {
            product.variant_id for product in own if product.product_id == parent["id"]
        }
    (plain, *_) = [one for one in shown if one["type"] == "simple"]
    assert site.everything(f"products/{plain['id']}/variations") == []


def test_a_host_in_front_answers_in_html(site: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.throttles["woocommerce"] = 1
    monkeypatch.setattr(world, "ticks", lambda: 0.0)
    assert site.get("orders").status_code == 200
    tired = site.get("orders")
    assert tired.status_code == 429 and tired.headers["Content-Type"].startswith("text/html")
    world.throttles.clear()
    world.faults.arm("woocommerce", "server_error", status=503)
    down = site.get("orders")
    assert down.status_code == 503 and down.headers["Content-Type"].startswith("text/html")
    world.faults.arm("woocommerce", "server_error", status=500)
    assert site.get("orders").json()["code"] == "internal_server_error"


def test_personal_details_are_told_unless_left_out(site: Client) -> None:
    assert PERSONAL_CANARY in site.get("orders").text
    kept = site.get("orders", _fields="id,billing.country,meta_data", include_meta=f"{ATTRIBUTION}referrer")
    assert PERSONAL_CANARY not in kept.text
    assert {frozenset(one) for one in kept.json()} == {frozenset(("id", "billing", "meta_data"))}
