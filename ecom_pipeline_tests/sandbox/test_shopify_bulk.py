"""Bulk operations: what may run, how it runs, and what its file holds."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.vendors.shopify import settings
from ecom_pipeline.sandbox.world import SECRET_CANARY, World
from ecom_pipeline_tests.sandbox.shopify_client import Client

ORDERS = """{ orders(query: "%s") { edges { node { id updatedAt refunds { id }
  lineItems { edges { node { id title } } }
  agreements { nodes { id __typename
    ... on RefundAgreement { refund { id refundLineItems { nodes { id quantity } } } }
    sales { nodes { id lineType } } } } } } } }"""
LIST_RULE = "Queries that contain a connection field within a list field are not currently supported."


@pytest.fixture
def client(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def kind(row: dict[str, Any]) -> str:
    return str(row["id"].split("/")[3])


def test_status_goes_from_created_to_completed(client: Client, world: World) -> None:
    settings(world).bulk_polls = 3
    operation = client.start("{ orders { nodes { id } } }")["bulkOperation"]
    statuses = [operation["status"], *(client.look(operation["id"])["status"] for _ in range(4))]
    assert statuses == ["CREATED", "RUNNING", "RUNNING", "COMPLETED", "COMPLETED"]


def test_grouped_children_follow_their_parent(client: Client) -> None:
    rows = client.rows(ORDERS % "")
    owner: dict[str, str] = {}
    at = ""
    for row in rows:
        if kind(row) == "Order":
            assert "__parentId" not in row
            at = row["id"]
            owner[at] = at
            for refund in row["refunds"]:
                owner[refund["id"]] = at
        else:
            assert owner[row["__parentId"]] == at
            owner[row["id"]] = at
    assert set(Counter(map(kind, rows))) == {"Order", "LineItem", "SalesAgreement", "Sale", "RefundLineItem"}


def test_ungrouped_parents_come_first_and_nothing_differs(client: Client) -> None:
    apart, grouped = client.rows(ORDERS % "", grouped=False), client.rows(ORDERS % "")
    assert sorted(map(json.dumps, apart)) == sorted(map(json.dumps, grouped))
    seen: set[str] = set()
    for row in apart:
        assert row.get("__parentId") is None or row["__parentId"] in seen
        seen.add(row["id"])
        seen.update(refund["id"] for refund in row.get("refunds", ()))
    orders = [kind(row) == "Order" for row in apart]
    assert orders == sorted(orders, reverse=True)


def test_counts_match_the_file(client: Client) -> None:
    found = client.finish(ORDERS % "created_at:>='2026-02-01'")
    answer = requests.get(found["url"], timeout=20)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert int(found["objectCount"]) == len(rows)
    assert int(found["rootObjectCount"]) == sum(kind(row) == "Order" for row in rows)
    assert answer.headers["Content-Type"] == "application/jsonl"


def test_bulk_and_pages_hold_the_same_orders(client: Client) -> None:
    query = """query ($after: String) {
      orders(first: 200, after: $after, query: "updated_at:>='2026-02-10'") {
      nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"""
    rows = client.rows("""{ orders(query: "updated_at:>='2026-02-10'") { nodes { id updatedAt } } }""")
    assert sorted(map(json.dumps, rows)) == sorted(map(json.dumps, client.pages(query)))
    assert rows


def test_empty_result_has_no_file(client: Client) -> None:
    found = client.finish(ORDERS % "created_at:>'2030-01-01'")
    assert (found["status"], found["url"], found["objectCount"]) == ("COMPLETED", None, "0")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("{ orders { nodes { id } } products { nodes { id } } }", "exactly one top-level field"),
        ("{ orders { nodes { id refunds { refundLineItems { nodes { id } } } } } }", LIST_RULE),
        (
            """{ orders { nodes { id agreements { nodes { id sales { nodes { id ... on ProductSale {
              lineItem { product { id variants { nodes { id } } } } } } } } } } } }""",
            "at most 2 levels",
        ),
        (
            """{ orders { nodes { id lineItems { nodes { id product { id variants { nodes { id } } } } }
              agreements { nodes { id
                ... on RefundAgreement { refund { id refundLineItems { nodes { id } } } }
                sales { nodes { id } } } } } } }""",
            "at most 5 connections",
        ),
        ("{ orders { nodes { nonsense } } }", "Field 'nonsense' doesn't exist on type 'Order'"),
        ("mutation { bulkOperationCancel(id: 1) { userErrors { message } } }", "must be a query"),
    ],
)
def test_what_cannot_run_in_bulk_is_refused(client: Client, query: str, reason: str) -> None:
    assert reason in client.refusal(query)


def test_five_may_run_at_once(client: Client, world: World) -> None:
    settings(world).bulk_polls = 100
    started = [client.start("{ products { nodes { id } } }")["bulkOperation"]["id"] for _ in range(5)]
    refused = client.start("{ products { nodes { id } } }")
    assert refused["userErrors"][0]["code"] == "LIMIT_REACHED"
    cancel = "mutation ($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } } }"
    assert client.data(cancel, id=started[0])["bulkOperationCancel"]["bulkOperation"]["status"] == "CANCELING"
    assert client.look(started[0])["status"] == "CANCELED"
    assert client.start("{ products { nodes { id } } }")["bulkOperation"]["status"] == "CREATED"
    listed = client.data('{ bulkOperations(first: 10, query: "status:running") { nodes { id status } } }')
    assert len(listed["bulkOperations"]["nodes"]) == 5


def test_failed_operation_leaves_half_its_rows(client: Client, world: World) -> None:
    whole = client.rows("{ orders { nodes { id } } }")
    settings(world).bulk_failures.append("INTERNAL_SERVER_ERROR")
    found = client.finish("{ orders { nodes { id } } }")
    assert (found["status"], found["errorCode"], found["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    partial = requests.get(found["partialDataUrl"], timeout=20).text.splitlines()
    assert [json.loads(line) for line in partial] == whole[: len(whole) // 2]


def test_missing_scope_fails_the_operation(client: Client, world: World) -> None:
    world.missing_rights.add(("shopify", "read_customers"))
    found = client.finish("{ orders { nodes { id customer { id } } } }")
    assert (found["status"], found["errorCode"], found["partialDataUrl"]) == ("FAILED", "ACCESS_DENIED", None)


def test_file_shows_the_shop_as_the_operation_began(client: Client, world: World) -> None:
    query = "{ orders { nodes { id updatedAt } } }"
    before = client.rows(query)
    operation = client.start(query)["bulkOperation"]["id"]
    world.set_now(world.now() - timedelta(days=20))
    client.look(operation)
    url = client.look(operation)["url"]
    assert [json.loads(line) for line in requests.get(url, timeout=20).text.splitlines()] == before


def test_file_needs_its_signature_and_expires(client: Client, world: World) -> None:
    url = client.finish("{ orders { nodes { id } } }")["url"]
    assert requests.get(url.partition("?")[0], timeout=5).status_code == 403
    assert requests.get(url, timeout=5).status_code == 200
    assert SECRET_CANARY in url and SECRET_CANARY not in str([entry.query for entry in world.log])
    world.set_now(world.now() + timedelta(days=7, seconds=1))
    assert requests.get(url, timeout=5).status_code == 403


def test_file_can_be_cut_and_spoiled(client: Client, world: World) -> None:
    found = client.finish("{ orders { nodes { id updatedAt } } }")
    whole = requests.get(found["url"], timeout=5).text
    world.faults.arm("shopify", "truncated_json", where="/shopify/bulk/")
    cut = requests.get(found["url"], timeout=5).text
    assert whole.startswith(cut) and len(cut) < len(whole)
    world.faults.arm("shopify", "reset", where="/shopify/bulk/")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(found["url"], timeout=5)
    world.faults.arm("shopify", "missing_column", column="updatedAt", where="/shopify/bulk/")
    assert "updatedAt" not in requests.get(found["url"], timeout=5).text
    world.faults.arm("shopify", "server_error", status=503, where="/shopify/bulk/")
    assert requests.get(found["url"], timeout=5).status_code == 503
    assert requests.get(found["url"], timeout=5).text == whole


def test_settings_can_be_changed_over_http(client: Client, world: World) -> None:
    asked = {"restore_rate": 50, "bulk_polls": 1, "bulk_failures": ["TIMEOUT"]}
    assert requests.post(f"{client.base_url}/_sandbox/shopify", json=asked, timeout=5).json() == asked
    operation = client.start("{ orders { nodes { id } } }")["bulkOperation"]["id"]
    assert client.look(operation)["errorCode"] == "TIMEOUT"
