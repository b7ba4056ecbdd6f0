"""Signing in, paying, paging, searching and the passing of time, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Order, Shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors.shopify import settings
from ecom_pipeline.sandbox.vendors.shopify.cost import weight
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline_tests.sandbox.shopify_client import MONEY, Client

PAGES = """query ($after: String, $query: String, $first: Int = 100, $sort: OrderSortKeys = UPDATED_AT) {
  orders(first: $first, after: $after, query: $query, sortKey: $sort) {
    nodes { id name createdAt updatedAt test } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
def client(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def visible(shop: Shop, now: datetime) -> dict[str, Order]:
    return {
        f"gid://shopify/Order/{o.order_id}": o
        for o in shop.orders
        if o.created_at <= now and (o.deleted_at is None or o.deleted_at > now)
    }


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_wrong_token_is_told_as_one_string(client: Client) -> None:
    answer = client.post("{ shop { name } }", "shpat_wrong")
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


def test_answer_names_version_and_cost(client: Client, world: World) -> None:
    answer = client.post(
        "{ shop { name ianaTimezone currencyCode myshopifyDomain plan { publicDisplayName } } }"
    )
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"
    body = answer.json()
    assert body["data"]["shop"] == {
        "name": world.shop.name,
        "ianaTimezone": "Europe/Paris",
        "currencyCode": "EUR",
        "myshopifyDomain": world.shop.domain,
        "plan": {"publicDisplayName": "Basic"},
    }
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (2, 2)
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2000.0,
        "currentlyAvailable": 1998,
        "restoreRate": 100.0,
    }


def test_unknown_field_is_refused_in_the_vendors_words(client: Client) -> None:
    [error] = client.ask("{ shop { nam } }")["errors"]
    assert error["message"] == "Field 'nam' doesn't exist on type 'Shop'"
    assert error["extensions"]["code"] == "undefinedField"


@pytest.mark.parametrize(
    "arguments", ["first: 251", "", "first: 0", "first: 5, last: 5", 'first: 5, after: "x"']
)
def test_unfit_page_arguments_are_errors(client: Client, arguments: str) -> None:
    arguments = f"({arguments})" if arguments else ""
    body = client.ask(f"{{ orders{arguments} {{ nodes {{ id }} }} }}")
    assert body["data"] is None and body["errors"]


def test_cost_of_the_vendors_own_example(client: Client) -> None:
    query = "{ productVariants(first: 250) { nodes { inventoryItem { id tracked } } } }"
    body = client.ask(query)
    assert body["extensions"]["cost"]["requestedQueryCost"] == 24
    found = len(body["data"]["productVariants"]["nodes"])
    assert body["extensions"]["cost"]["actualQueryCost"] == -(-2 * weight(found) // 1)


def test_too_dear_a_query_is_refused_with_its_cost(client: Client) -> None:
    money = " ".join(f"m{i}: totalPriceSet {MONEY}" for i in range(30))
    [error] = client.ask(f"{{ orders(first: 250) {{ nodes {{ {money} }} }} }}")["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] > error["extensions"]["maxCost"] == 1000


def test_empty_bucket_throttles_until_it_refills(shop: Shop) -> None:
    seconds = [0.0]
    world = World(shop, datetime(2026, 3, 2, 5, tzinfo=UTC), ticks=lambda: seconds[0])
    settings(world).restore_rate = 1
    query = "{ orders(first: 250) { nodes { id } } }"  # 12 of a bucket of 20
    with run_sandbox(world) as base_url:
        client = Client(base_url, world)
        assert "errors" not in client.ask(query)
        body = client.ask(query)
        assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert "data" not in body
        cost = body["extensions"]["cost"]
        assert cost["actualQueryCost"] is None and cost["throttleStatus"]["currentlyAvailable"] == 8
        seconds[0] += (cost["requestedQueryCost"] - 8) / cost["throttleStatus"]["restoreRate"]
        assert "errors" not in client.ask(query)


@pytest.mark.parametrize("sort", ["UPDATED_AT", "CREATED_AT", "ID"])
def test_pages_lose_and_double_nothing(client: Client, world: World, sort: str) -> None:
    nodes = client.pages(PAGES, first=97, sort=sort)
    ids = [node["id"] for node in nodes]
    assert len(ids) == len(set(ids)) > 97
    assert set(ids) == set(visible(world.shop, world.now()))
    order = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt"}.get(sort)
    if order:
        assert [node[order] for node in nodes] == sorted(node[order] for node in nodes)


def test_reversed_pages_run_the_other_way(client: Client) -> None:
    query = PAGES.replace("sortKey: $sort", "sortKey: $sort, reverse: true")
    assert client.pages(query, first=90, sort="ID") == client.pages(PAGES, first=90, sort="ID")[::-1]


def test_nested_pages_continue_where_they_ended(client: Client, shop: Shop) -> None:
    query = """query ($id: ID!, $after: String) { order(id: $id) { lineItems(first: 1, after: $after) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    order = next(o for o in shop.orders if len(o.agreements[0].lines) > 3 and not o.deleted_at)
    ids: list[str] = []
    after, more = None, True
    while more:
        page = client.data(query, id=f"gid://shopify/Order/{order.order_id}", after=after)["order"][
            "lineItems"
        ]
        assert page["pageInfo"]["hasPreviousPage"] is bool(ids)
        ids += [edge["node"]["id"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    lines = [n for a in order.agreements for n in a.lines]
    expected = {n.line_item_id for n in lines if n.line_item_id}
    assert len(ids) == len(set(ids))
    assert {int(i.rpartition("/")[2]) for i in ids} >= expected


def cut(day: int) -> str:
    return f"2026-02-{day:02d}T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ("updated_at:>='{a}'", lambda n: n["updatedAt"] >= cut(10)),
        ("updated_at:>{a} updated_at:<{b}", lambda n: cut(10) < n["updatedAt"] < cut(12)),
        ("created_at:>='{a}' AND created_at:<='{b}'", lambda n: cut(10) <= n["createdAt"] <= cut(12)),
        (
            "created_at:<'{a}' OR created_at:>'{b}'",
            lambda n: n["createdAt"] < cut(10) or n["createdAt"] > cut(12),
        ),
        ("-test:true created_at:>='{a}'", lambda n: not n["test"] and n["createdAt"] >= cut(10)),
        ("NOT (created_at:>='{a}')", lambda n: n["createdAt"] < cut(10)),
        ("created_at:>='2026-02-10T01:00:00+01:00'", lambda n: n["createdAt"] >= cut(10)),
        (
            "created_at:2026-02-10",
            lambda n: "2026-02-09T23:00:00Z" <= n["createdAt"] < "2026-02-10T23:00:00Z",
        ),
    ],
)
def test_search_keeps_what_fits(client: Client, query: str, keeps: Any) -> None:
    everything = client.pages(PAGES, first=250)
    kept = client.pages(PAGES, first=250, query=query.format(a=cut(10), b=cut(12)))
    assert kept == [node for node in everything if keeps(node)]
    assert 0 < len(kept) < len(everything)


@pytest.mark.parametrize("query", ["updated_att:>='2026-02-10'", "updated_at:>='yesterday'"])
def test_unreadable_search_is_ignored_with_a_warning(client: Client, query: str) -> None:
    body = client.ask(PAGES, query=query, first=250)
    assert len(body["data"]["orders"]["nodes"]) == 250
    [search] = body["extensions"]["search"]
    assert search["warnings"][0]["code"] in ("invalid_field", "invalid_value")


def test_pages_end_at_a_depth(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecom_pipeline.sandbox.vendors.shopify.paging.MAX_DEPTH", 250)
    page = client.data(PAGES, first=250)["orders"]
    body = client.ask(PAGES, first=250, after=page["pageInfo"]["endCursor"])
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "PAGINATION_DEPTH_EXCEEDED"


def late(shop: Shop) -> tuple[Order, datetime]:
    """An order whose refund is the last thing that happens to it, and when."""
    for order in shop.orders:
        last = order.agreements[-1]
        others = [order.created_at, *(a.at for a in order.agreements[:-1])]
        others += [at for f in order.fulfillments for at in (f.shipped_at, f.delivered_at) if at]
        if last.kind == "refund" and last.at > max(others) + timedelta(days=1) and order.deleted_at is None:
            return order, last.at
    raise LookupError("no order with a late refund")


ORDER = f"""query ($id: ID!) {{ order(id: $id) {{ id updatedAt displayFinancialStatus
  refunds {{ id createdAt totalRefundedSet {MONEY} }}
  agreements(first: 10) {{ nodes {{ reason happenedAt }} }} }} }}"""


def test_late_refund_moves_the_update_time_only_when_it_happens(
    client: Client, world: World, shop: Shop
) -> None:
    order, at = late(shop)
    gid = f"gid://shopify/Order/{order.order_id}"
    world.set_now(at - timedelta(seconds=1))
    before = client.data(ORDER, id=gid)["order"]
    asked = f"updated_at:>='{text(at)}'"
    assert gid not in {node["id"] for node in client.pages(PAGES, query=asked)}
    world.set_now(at)
    after = client.data(ORDER, id=gid)["order"]
    assert gid in {node["id"] for node in client.pages(PAGES, query=asked)}
    assert before["updatedAt"] < after["updatedAt"] == text(at)
    assert len(after["refunds"]) == len(before["refunds"]) + 1
    assert after["agreements"]["nodes"][-1] == {"reason": "REFUND", "happenedAt": text(at)}
    paid_back = -sum(line.paid for line in order.agreements[-1].lines)
    amount = after["refunds"][-1]["totalRefundedSet"]["presentmentMoney"]["amount"]
    assert Decimal(amount) == Decimal(paid_back) / 100


@pytest.fixture
def changed_shop(shop: Shop) -> Shop:
    """A shop with one order deleted, one authorisation given up and one order in pounds."""
    base = [o for o in shop.orders if o.currency == "EUR" and o.voided_at is None and not o.deleted_at]
    gone = replace(base[0], order_id=1, deleted_at=base[0].created_at + timedelta(hours=5))
    void = replace(base[1], order_id=2, voided_at=base[1].created_at + timedelta(days=2), fulfillments=())
    pounds = replace(base[2], order_id=3, currency="GBP", shop_rate=Decimal("1.15"))
    return replace(shop, orders=[gone, void, pounds])


@pytest.fixture
def changed(changed_shop: Shop) -> Iterator[Client]:
    world = World(changed_shop, datetime(2026, 3, 2, 5, tzinfo=UTC))
    with run_sandbox(world) as base_url:
        yield Client(base_url, world)


def test_deleted_order_vanishes(changed: Client, changed_shop: Shop) -> None:
    query = '{ order(id: "gid://shopify/Order/1") { id } node(id: "gid://shopify/Order/1") { id } }'
    deleted_at = changed_shop.orders[0].deleted_at
    assert deleted_at is not None
    changed.world.set_now(deleted_at - timedelta(seconds=1))
    assert changed.data(query)["order"] == changed.data(query)["node"] == {"id": "gid://shopify/Order/1"}
    changed.world.set_now(deleted_at)
    assert changed.data(query) == {"order": None, "node": None}
    assert "gid://shopify/Order/1" not in {n["id"] for n in changed.pages(PAGES)}


def test_authorisation_becomes_void(changed: Client, changed_shop: Shop) -> None:
    query = (
        '{ order(id: "gid://shopify/Order/2") { updatedAt displayFinancialStatus transactions { kind } } }'
    )
    voided_at = changed_shop.orders[1].voided_at
    assert voided_at is not None
    changed.world.set_now(voided_at - timedelta(seconds=1))
    assert changed.data(query)["order"]["displayFinancialStatus"] == "AUTHORIZED"
    changed.world.set_now(voided_at)
    order = changed.data(query)["order"]
    assert (order["displayFinancialStatus"], order["updatedAt"]) == ("VOIDED", text(voided_at))
    assert order["transactions"][-1]["kind"] == "VOID"


def test_money_comes_in_both_currencies(changed: Client, changed_shop: Shop) -> None:
    query = f'{{ order(id: "gid://shopify/Order/3") {{ originalTotalPriceSet {MONEY} }} }}'
    bag = changed.data(query)["order"]["originalTotalPriceSet"]
    cents = sum(line.paid for line in changed_shop.orders[2].agreements[0].lines)
    assert Decimal(bag["presentmentMoney"]["amount"]) == Decimal(cents) / 100
    assert Decimal(bag["shopMoney"]["amount"]) == Decimal(int(cents * Decimal("1.15") + Decimal("0.5"))) / 100
    assert (bag["presentmentMoney"]["currencyCode"], bag["shopMoney"]["currencyCode"]) == ("GBP", "EUR")


def test_sales_add_up_to_the_facts(client: Client, world: World) -> None:
    query = f"""query ($after: String) {{ orders(first: 30, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ id agreements(first: 9) {{ nodes {{
        sales(first: 20) {{ nodes {{ totalAmount {MONEY} }} }} }} }} }} }} }}"""
    settings(world).restore_rate = 10_000
    orders = visible(world.shop, world.now())
    for node in client.pages(query)[:300]:
        told = sum(
            Decimal(sale["totalAmount"]["presentmentMoney"]["amount"])
            for agreement in node["agreements"]["nodes"]
            for sale in agreement["sales"]["nodes"]
        )
        facts = [a for a in orders[node["id"]].agreements if a.at <= world.now()]
        assert told == Decimal(sum(line.paid for a in facts for line in a.lines)) / 100


def test_abandoned_checkout_moves_when_completed(client: Client, world: World, shop: Shop) -> None:
    query = """query ($query: String) { abandonedCheckouts(first: 250, query: $query) {
      nodes { id completedAt updatedAt
        customAttributes { key value } shippingAddress { countryCodeV2 } } } }"""
    checkout = next(c for c in shop.checkouts if c.completed_at is not None)
    assert checkout.completed_at is not None
    gid = f"gid://shopify/AbandonedCheckout/{checkout.checkout_id}"
    asked = f"updated_at:>='{text(checkout.completed_at)}'"
    world.set_now(checkout.completed_at)
    [found] = [n for n in client.data(query, query=asked)["abandonedCheckouts"]["nodes"] if n["id"] == gid]
    assert found == {
        "id": gid,
        "completedAt": text(checkout.completed_at),
        "updatedAt": text(checkout.completed_at),
        "customAttributes": [{"key": "device", "value": checkout.device}],
        "shippingAddress": {"countryCodeV2": checkout.country},
    }
    world.set_now(checkout.completed_at - timedelta(seconds=1))
    assert gid not in {n["id"] for n in client.data(query, query=asked)["abandonedCheckouts"]["nodes"]}


def test_variants_tell_their_cost(client: Client, shop: Shop) -> None:
    query = """{ productVariants(first: 250) { nodes {
      id inventoryItem { unitCost { amount currencyCode } sku } product { id title } } } }"""
    found = {n["id"]: n for n in client.data(query)["productVariants"]["nodes"]}
    for product in shop.products:
        item = found[f"gid://shopify/ProductVariant/{product.variant_id}"]["inventoryItem"]
        if product.unit_cost is None:
            assert item["unitCost"] is None
        else:
            assert Decimal(item["unitCost"]["amount"]) == Decimal(product.unit_cost) / 10_000


def test_personal_fields_bear_the_canary(client: Client) -> None:
    query = "{ orders(first: 1) { nodes { phone shippingAddress { name address1 phone } } } }"
    [node] = client.data(query)["orders"]["nodes"]
    assert all(PERSONAL_CANARY in value for value in (node["phone"], *node["shippingAddress"].values()))


def test_missing_scope_is_told_and_refused(client: Client, world: World) -> None:
    world.missing_rights.add(("shopify", "read_customers"))
    scopes = client.data("{ currentAppInstallation { accessScopes { handle } } }")["currentAppInstallation"]
    assert {"handle": "read_customers"} not in scopes["accessScopes"]
    assert {"handle": "read_orders"} in scopes["accessScopes"]
    body = client.ask("{ orders(first: 2) { nodes { id customer { id } } } }")
    assert [node["customer"] for node in body["data"]["orders"]["nodes"]] == [None, None]
    assert [error["extensions"]["code"] for error in body["errors"]] == ["ACCESS_DENIED"]


def test_missing_root_scope_leaves_no_data(client: Client, world: World) -> None:
    world.missing_rights.add(("shopify", "read_orders"))
    body = client.ask("{ orders(first: 2) { nodes { id } } }")
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_old_orders_need_their_own_scope(client: Client, world: World) -> None:
    world.set_now(world.now() + timedelta(days=30))
    since = text(world.now() - timedelta(days=60))
    everything = client.pages(PAGES)
    world.missing_rights.add(("shopify", "read_all_orders"))
    recent = client.pages(PAGES)
    assert recent == [node for node in everything if node["createdAt"] >= since]
    assert 0 < len(recent) < len(everything)


def test_faults_reach_this_vendor(client: Client, world: World) -> None:
    world.faults.arm("shopify", "rate_limited", retry_after=2)
    limited = client.post("{ shop { name } }")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "2")
    world.faults.arm("shopify", "missing_column", column="updatedAt")
    assert "updatedAt" not in client.data(PAGES)["orders"]["nodes"][0]
    world.faults.arm("shopify", "expired_token")
    assert client.post("{ shop { name } }").status_code == 401


def test_repeated_page_comes_again(client: Client, world: World) -> None:
    first = client.data(PAGES, first=10)["orders"]
    world.faults.arm("shopify", "repeated_page")
    again = client.data(PAGES, first=10, after=first["pageInfo"]["endCursor"])["orders"]
    assert again == first


def test_log_tells_no_secret(client: Client, world: World) -> None:
    client.data("{ shop { name } }")
    assert SECRET_CANARY not in str(world.log)
    assert world.log[-1].headers["x-shopify-access-token"] == "present"


def test_body_that_is_no_query_is_a_bad_request(base_url: str, world: World) -> None:
    answer = requests.post(
        f"{base_url}/shopify/admin/api/2026-10/graphql.json",
        data=b"nonsense",
        headers={"X-Shopify-Access-Token": world.secrets["shopify_access_token"]},
        timeout=5,
    )
    assert answer.status_code == 400
