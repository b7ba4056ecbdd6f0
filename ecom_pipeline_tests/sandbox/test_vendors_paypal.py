"""PayPal's twin: signing in, spans of a month, pages, what is late, disputes, its own error bodies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import paypal as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
JANUARY = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59Z"}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(7, FIRST, LAST, 30.0, GROUP)


class Client:
    """Asks with a token of its own."""

    def __init__(self, base_url: str, world: World) -> None:
        self.base_url = f"{base_url}/paypal/v1"
        self.pair = (world.secrets["paypal_client_id"], world.secrets["paypal_client_secret"])
        self.token = self.sign_in().json()["access_token"]

    def sign_in(
        self, pair: tuple[str, str] | None = None, grant: str = "client_credentials"
    ) -> requests.Response:
        form = {"grant_type": grant}
        return requests.post(f"{self.base_url}/oauth2/token", form, auth=pair or self.pair, timeout=5)

    def get(self, path: str, **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.get(f"{self.base_url}/{path}", query, headers=headers, timeout=5)

    def search(self, **query: Any) -> requests.Response:
        return self.get("reporting/transactions", **query)


@pytest.fixture
def world(shop: Shop) -> World:
    return World(shop, NOW)


@pytest.fixture
def paypal(world: World) -> Iterator[Client]:
    with run_sandbox(world) as url:
        yield Client(url, world)


def own(shop: Shop) -> list[Any]:
    return [one for one in shop.balance_transactions if one.processor == "paypal"]


def issue(answer: requests.Response) -> str:
    return str(answer.json()["details"][0]["issue"])


def test_a_shop_without_it_has_no_account() -> None:
    world = World(generate_shop(7, FIRST, FIRST + timedelta(days=3), 5.0, ONE_SHOP), NOW)
    assert twin.instances(world, "http://127.0.0.1") == []
    assert {one.processor for one in world.shop.balance_transactions} == {"stripe"}


def test_signing_in(paypal: Client, world: World) -> None:
    assert paypal.sign_in(("x", "y")).status_code == 401
    assert paypal.sign_in(grant="password").json()["error"] == "unsupported_grant_type"
    told = paypal.sign_in().json()
    assert told["token_type"] == "Bearer" and told["expires_in"] == 9 * 3600
    paypal.token = "wrong"
    assert paypal.search(**JANUARY).status_code == 401
    paypal.token = told["access_token"]
    assert paypal.search(**JANUARY).status_code == 200
    world.set_now(NOW + timedelta(hours=10))
    assert paypal.search(**JANUARY).json()["error"] == "invalid_token"


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"end_date": "2026-02-01T00:00:01Z"}, "DATE_RANGE"),
        ({"end_date": "2026-01-31"}, "INVALID_DATE"),
        ({"start_date": "yesterday"}, "INVALID_DATE"),
        ({"page_size": 501}, "INVALID_PARAMETER"),
        ({"page": 0}, "INVALID_PARAMETER"),
        ({"fields": "everything"}, "FIELDS"),
        ({"surprise": 1}, "INVALID_PARAMETER"),
    ],
)
def test_what_is_asked_wrongly_is_refused(paypal: Client, asked: dict[str, Any], what: str) -> None:
    answer = paypal.search(**(JANUARY | asked))
    assert answer.status_code == 400 and issue(answer) == what


def test_a_missing_feature_is_403(paypal: Client, world: World) -> None:
    world.missing_rights.add(("paypal", "reporting"))
    assert paypal.search(**JANUARY).status_code == 403
    assert paypal.get("customer/disputes").status_code == 200


def test_too_many_found_are_refused(paypal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "MOST_FOUND", 5)
    answer = paypal.search(**JANUARY)
    assert answer.status_code == 400 and answer.json()["name"] == "RESULTSET_TOO_LARGE"


def test_throttled_requests_are_told_so(paypal: Client, world: World) -> None:
    world.throttles["paypal"] = 1
    statuses = [paypal.search(**JANUARY).status_code for _ in range(4)]
    assert 429 in statuses


def test_pages_give_every_movement_once_with_its_sign(paypal: Client, shop: Shop) -> None:
    found: list[dict[str, Any]] = []
    page, pages = 1, 1
    while page <= pages:
        body = paypal.search(**JANUARY, page=page, page_size=50).json()
        pages = body["total_pages"]
        found += [one["transaction_info"] for one in body["transaction_details"]]
        page += 1
    expected = [one for one in own(shop) if one.created_at < datetime(2026, 2, 1, tzinfo=UTC)]
    assert pages > 2 and body["total_items"] == len(found) == len(expected)
    total = sum(Decimal(one["transaction_amount"]["value"]) for one in found)
    assert total == Decimal(sum(one.amount for one in expected)) / 100
    fees = sum(Decimal(one["fee_amount"]["value"]) for one in found if "fee_amount" in one)
    assert fees == -Decimal(sum(one.fee for one in expected)) / 100 < 0
    assert {one["transaction_event_code"] for one in found} >= {"T0006", "T1107", "T0403"}


def test_people_are_told_when_asked_for(paypal: Client) -> None:
    (quiet, loud) = (
        paypal.search(**JANUARY, fields=fields).text for fields in ("transaction_info", "payer_info")
    )
    assert "payer_info" not in quiet and "payer_info" in loud and PERSONAL_CANARY in loud


def test_movements_appear_three_hours_late(paypal: Client, world: World, shop: Shop) -> None:
    last = [one for one in own(shop) if one.created_at < datetime(2026, 2, 1, tzinfo=UTC)][-1]
    counts = []
    for hours in (2, 4):
        world.set_now(last.created_at + timedelta(hours=hours))
        paypal.token = paypal.sign_in().json()["access_token"]
        counts.append(paypal.search(**JANUARY).json()["total_items"])
    assert counts[1] > counts[0]


def test_disputes_by_their_update_and_page_by_page(paypal: Client, shop: Shop, world: World) -> None:
    disputes = [one for one in shop.disputes if one.processor == "paypal" and one.created_at <= NOW]
    assert len(disputes) > 1
    body = paypal.get("customer/disputes", page_size=1).json()
    found = list(body["items"])
    while links := [link["href"] for link in body["links"] if link["rel"] == "next"]:
        query = links[0].partition("?")[2]
        body = paypal.get(f"customer/disputes?{query}").json()
        found += body["items"]
    assert [one["dispute_id"] for one in found] == list(dict.fromkeys(one["dispute_id"] for one in found))
    assert {one["dispute_id"] for one in found} == {one.dispute_id for one in disputes}
    newest = found[0]["update_time"]
    (only,) = paypal.get("customer/disputes", update_time_after=newest).json()["items"]
    assert only == found[0]
    too_old = paypal.get("customer/disputes", update_time_after="2025-01-01T00:00:00Z")
    assert issue(too_old) == "INVALID_UPDATE_TIME"
    assert issue(paypal.get("customer/disputes", page_size=51)) == "INVALID_PARAMETER"
