"""Qonto's twin: the raw key header, pages, filters, pending turning completed, balances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import BankTransaction, Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.base_url = f"{base_url}/qonto/v2"
        self.account = world.shop.bank_accounts[0].account_id
        secrets = world.secrets
        self.headers = {"Authorization": f"{secrets['qonto_login']}:{secrets['qonto_secret_key']}"}

    def get(self, path: str, query: dict[str, Any] | None = None) -> requests.Response:
        return requests.get(f"{self.base_url}/{path}", query, headers=self.headers, timeout=5)

    def page(self, **query: Any) -> requests.Response:
        return self.get("transactions", {"bank_account_id": self.account, **query})

    def every(self, **query: Any) -> list[dict[str, Any]]:
        found, page = [], 1
        while page is not None:
            body = self.page(current_page=page, **query).json()
            found += body["transactions"]
            page = body["meta"]["next_page"]
        return found


@pytest.fixture
def qonto(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def own(shop: Shop, account: str, *statuses: str) -> list[BankTransaction]:
    return [t for t in shop.bank_transactions if t.account_id == account and t.status in statuses]


def settling(shop: Shop, account: str) -> BankTransaction:
    """A debit that was pending for a while."""
    return next(
        t
        for t in own(shop, account, "completed")
        if t.settled_at and t.settled_at - t.emitted_at > timedelta(hours=2) and t.amount < 0
    )


@pytest.mark.parametrize("header", [None, "wrong:key", "Bearer x"])
def test_wrong_key_is_401(qonto: Client, header: str | None) -> None:
    qonto.headers = {"Authorization": header} if header else {}
    answer = qonto.get("organization")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "unauthorized"


def test_missing_right_is_403(qonto: Client, world: World) -> None:
    world.missing_rights.add(("qonto", "organization.read"))
    assert qonto.get("organization").status_code == 403


def test_paging_gives_every_completed_transaction_once(qonto: Client, shop: Shop) -> None:
    found = qonto.every(per_page=7)
    expected = own(shop, qonto.account, "completed")
    assert len(found) == len(expected) > 14
    assert {t["transaction_id"] for t in found} == {t.transaction_id for t in expected}


def test_meta_tells_where_one_is(qonto: Client, shop: Shop) -> None:
    meta = qonto.page(per_page=10, current_page=2).json()["meta"]
    total = len(own(shop, qonto.account, "completed"))
    assert meta == {
        "current_page": 2,
        "next_page": 3,
        "prev_page": 1,
        "total_pages": -(-total // 10),
        "total_count": total,
        "per_page": 10,
    }


def test_amounts_are_positive_and_side_tells_direction(qonto: Client, shop: Shop) -> None:
    amounts = {t.transaction_id: t.amount for t in shop.bank_transactions}
    found = qonto.every()
    assert {t["side"] for t in found} == {"credit", "debit"}
    for transaction in found:
        sign = 1 if transaction["side"] == "credit" else -1
        assert transaction["amount_cents"] * sign == amounts[transaction["transaction_id"]]


def test_statuses_are_asked_for(qonto: Client, shop: Shop) -> None:
    found = qonto.every(**{"status[]": ["pending", "declined"]})
    expected = own(shop, qonto.account, "pending", "declined")
    assert expected and len(found) == len(expected)
    assert all(t["settled_at"] is None for t in found)


def test_iban_names_the_account_too(qonto: Client, shop: Shop) -> None:
    account = shop.bank_accounts[1]
    body = qonto.get("transactions", {"iban": account.iban}).json()
    assert {t["bank_account_id"] for t in body["transactions"]} == {account.account_id}


def test_updated_at_moves_when_pending_completes(qonto: Client, world: World, shop: Shop) -> None:
    facts = settling(shop, qonto.account)
    assert facts.settled_at is not None
    watermark = f"{facts.emitted_at + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    both = {"status[]": ["pending", "completed"]}
    world.set_now(facts.settled_at - timedelta(seconds=1))
    before = {t["transaction_id"]: t for t in qonto.every(**both)}[facts.transaction_id]
    changed = {t["transaction_id"] for t in qonto.every(**both, updated_at_from=watermark)}
    assert (before["status"], before["settled_at"]) == ("pending", None)
    assert facts.transaction_id not in changed

    world.set_now(facts.settled_at)
    after = {t["transaction_id"]: t for t in qonto.every(**both, updated_at_from=watermark)}
    assert after[facts.transaction_id]["status"] == "completed"
    assert after[facts.transaction_id]["updated_at"] > before["updated_at"]


def test_settled_range(qonto: Client, shop: Shop) -> None:
    query = {"settled_at_from": "2026-01-10T00:00:00Z", "settled_at_to": "2026-01-20T00:00:00.000Z"}
    start, end = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)
    expected = {
        t.transaction_id
        for t in own(shop, qonto.account, "completed")
        if t.settled_at and start <= t.settled_at <= end
    }
    assert expected and {t["transaction_id"] for t in qonto.every(**query)} == expected


def test_nothing_from_the_future(qonto: Client, world: World, shop: Shop) -> None:
    world.set_now(datetime(2026, 2, 10, 12, tzinfo=UTC))
    found = qonto.every(**{"status[]": ["pending", "completed", "declined"]})
    expected = {t.transaction_id for t in shop.bank_transactions if t.emitted_at <= world.now()}
    own_ids = {t.transaction_id for t in own(shop, qonto.account, "pending", "completed", "declined")}
    assert {t["transaction_id"] for t in found} == expected & own_ids < own_ids


def test_sorting_by_settlement(qonto: Client) -> None:
    settled = [t["settled_at"] for t in qonto.every(sort_by="settled_at:asc")]
    assert settled == sorted(settled)


def test_balance_is_what_has_settled_by_now(qonto: Client, world: World, shop: Shop) -> None:
    facts = settling(shop, qonto.account)
    assert facts.settled_at is not None
    world.set_now(facts.settled_at - timedelta(seconds=1))
    account = qonto.get("organization").json()["organization"]["bank_accounts"][0]
    settled = sum(
        t.amount
        for t in own(shop, qonto.account, "completed")
        if t.settled_at and t.settled_at <= world.now()
    )
    assert account["balance_cents"] == shop.bank_accounts[0].opening_balance + settled
    assert account["authorized_balance_cents"] <= account["balance_cents"] + facts.amount


def test_personal_canary_is_where_clients_must_not_look(qonto: Client) -> None:
    transaction = qonto.page(per_page=1).json()["transactions"][0]
    bearing = {name for name, value in transaction.items() if PERSONAL_CANARY in str(value)}
    assert bearing == {"note", "initiator_id"}


def test_one_transaction_by_its_id(qonto: Client) -> None:
    listed = qonto.page(per_page=1).json()["transactions"][0]
    assert qonto.get(f"transactions/{listed['id']}").json() == {"transaction": listed}
    assert qonto.get("transactions/none").status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"per_page": 101}, 422),
        ({"per_page": 0}, 422),
        ({"current_page": "first"}, 422),
        ({"status[]": "settled"}, 422),
        ({"updated_at_from": "yesterday"}, 422),
        ({"sort_by": "label:asc"}, 422),
        ({"since": "2026-01-01"}, 422),
        ({"bank_account_id": ""}, 422),
        ({"bank_account_id": "none"}, 404),
    ],
)
def test_bad_arguments(qonto: Client, query: dict[str, Any], status: int) -> None:
    answer = qonto.page(**query)
    assert answer.status_code == status
    assert answer.json()["errors"]


def test_rate_limit_and_repeated_page(qonto: Client, world: World) -> None:
    world.faults.arm("qonto", "rate_limited", retry_after=3)
    answer = qonto.page()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    world.faults.arm("qonto", "repeated_page")
    first = qonto.page(per_page=5).json()
    assert qonto.page(per_page=5, current_page=2).json() == first
