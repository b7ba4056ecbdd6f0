"""Stripe's twin: keys, lists to the end, filters, states as of the clock, errors, shapes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

KINDS = ["balance_transactions", "charges", "refunds", "payouts", "disputes"]
FIELDS_SINCE_RETIRED = {"invoice", "refunds"}


class Client:
    def __init__(self, base_url: str, world: World) -> None:
        self.base_url = f"{base_url}/stripe/v1"
        self.headers = {"Authorization": f"Bearer {world.secrets['stripe_api_key']}"}

    def get(self, path: str, **query: Any) -> requests.Response:
        return requests.get(f"{self.base_url}/{path}", query, headers=self.headers, timeout=5)

    def every(self, kind: str, limit: int = 100, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            body = self.get(kind, limit=limit, **query).json()
            found += body["data"]
            if not body["has_more"]:
                return found
            query["starting_after"] = body["data"][-1]["id"]


@pytest.fixture
def stripe(base_url: str, world: World) -> Client:
    return Client(base_url, world)


def midway(world: World) -> datetime:
    world.set_now(datetime(2026, 2, 10, 12, tzinfo=UTC))
    return world.now()


def test_wrong_and_missing_keys_are_401(stripe: Client) -> None:
    stripe.headers = {}
    assert stripe.get("charges").status_code == 401
    stripe.headers = {"Authorization": "Bearer rk_test_wrong"}
    answer = stripe.get("charges")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_key_as_basic_user(stripe: Client, world: World) -> None:
    pair = base64.b64encode(f"{world.secrets['stripe_api_key']}:".encode()).decode()
    stripe.headers = {"Authorization": f"Basic {pair}"}
    assert stripe.get("account").json()["country"] == "FR"


def test_missing_right_is_403_and_named(stripe: Client, world: World) -> None:
    world.missing_rights.add(("stripe", "rak_payout_read"))
    answer = stripe.get("payouts")
    assert answer.status_code == 403
    assert "rak_payout_read" in answer.json()["error"]["message"]
    assert stripe.get("charges").status_code == 200


@pytest.mark.parametrize("limit", [7, 100])
def test_paging_gives_everything_once_newest_first(stripe: Client, shop: Shop, limit: int) -> None:
    found = stripe.every("charges", limit)
    assert {charge["id"] for charge in found} == {charge.charge_id for charge in shop.charges}
    assert len(found) == len(shop.charges)
    instants = [charge["created"] for charge in found]
    assert instants == sorted(instants, reverse=True)


def test_a_full_last_page_has_no_more(stripe: Client, shop: Shop) -> None:
    newest = stripe.every("refunds")
    body = stripe.get("refunds", limit=5, starting_after=newest[-6]["id"]).json()
    assert ([refund["id"] for refund in body["data"]], body["has_more"]) == (
        [refund["id"] for refund in newest[-5:]],
        False,
    )


def test_ending_before_pages_back(stripe: Client) -> None:
    newest = stripe.every("charges")
    body = stripe.get("charges", limit=3, ending_before=newest[5]["id"]).json()
    assert [charge["id"] for charge in body["data"]] == [charge["id"] for charge in newest[2:5]]
    assert body["has_more"] is True
    last = stripe.get("charges", limit=3, ending_before=newest[2]["id"]).json()
    assert (len(last["data"]), last["has_more"]) == (2, False)


def test_created_range_and_type(stripe: Client, shop: Shop) -> None:
    start, end = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)
    query: dict[str, Any] = {
        "created[gte]": int(start.timestamp()),
        "created[lt]": int(end.timestamp()),
        "type": "charge",
    }
    found = stripe.every("balance_transactions", **query)
    expected = {
        t.txn_id for t in shop.balance_transactions if t.kind == "charge" and start <= t.created_at < end
    }
    assert expected and {t["id"] for t in found} == expected


def test_arrival_date_filters_payouts_only(stripe: Client, shop: Shop) -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    query: dict[str, Any] = {"arrival_date[gte]": int(day.timestamp())}
    expected = {p.payout_id for p in shop.payouts if p.arrival_day >= day.date()}
    assert 0 < len(expected) < len(shop.payouts)
    assert {p["id"] for p in stripe.every("payouts", **query)} == expected
    assert stripe.get("charges", **query).status_code == 400


def test_payout_names_the_transactions_it_carried(stripe: Client, shop: Shop) -> None:
    payout = shop.payouts[3]
    found = stripe.every("balance_transactions", payout=payout.payout_id)
    carried = [t for t in found if t["type"] != "payout"]
    assert sum(t["net"] for t in carried) == payout.amount
    assert sum(t["net"] for t in found) == 0


def test_amounts_and_exchange_rate(stripe: Client, shop: Shop) -> None:
    foreign = next(charge for charge in shop.charges if charge.currency == "USD")
    charge = stripe.get(f"charges/{foreign.charge_id}").json()
    transaction = stripe.get(f"balance_transactions/{charge['balance_transaction']}").json()
    assert (charge["amount"], charge["currency"]) == (foreign.amount, "usd")
    assert (transaction["amount"], transaction["currency"]) == (foreign.captured_settled, "eur")
    assert transaction["exchange_rate"] == pytest.approx(foreign.captured_settled / foreign.amount, abs=1e-6)
    assert transaction["net"] == transaction["amount"] - transaction["fee"]
    assert sum(part["amount"] for part in transaction["fee_details"]) == transaction["fee"] > 0


def test_charge_carries_order_and_personal_canary(stripe: Client, shop: Shop) -> None:
    charge = stripe.get("charges", limit=1).json()["data"][0]
    order = next(o for o in shop.orders if str(o.order_id) == charge["metadata"]["order_id"])
    assert charge["metadata"]["order_name"] == order.name
    assert PERSONAL_CANARY in charge["receipt_email"]
    assert PERSONAL_CANARY in charge["billing_details"]["name"]


def test_nothing_from_the_future(stripe: Client, world: World) -> None:
    now = midway(world)
    for kind in KINDS:
        found = stripe.every(kind)
        assert all(one["created"] <= now.timestamp() for one in found), kind
    assert len(stripe.every("charges")) > 100


def test_an_object_of_the_future_is_unknown(stripe: Client, world: World, shop: Shop) -> None:
    midway(world)
    future = max(shop.charges, key=lambda charge: charge.created_at).charge_id
    assert stripe.get(f"charges/{future}").status_code == 404
    answer = stripe.get("charges", starting_after=future)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "resource_missing")


def test_pending_becomes_available(stripe: Client, world: World, shop: Shop) -> None:
    transaction = next(t for t in shop.balance_transactions if t.available_at > t.created_at)
    seen = []
    for now in (transaction.available_at - timedelta(seconds=1), transaction.available_at):
        world.set_now(now)
        seen.append(stripe.get(f"balance_transactions/{transaction.txn_id}").json()["status"])
    assert seen == ["pending", "available"]


def test_payout_goes_its_way(stripe: Client, world: World, shop: Shop) -> None:
    payout = shop.payouts[0]
    seen = []
    for now in (payout.created_at, payout.paid_at - timedelta(hours=1), payout.paid_at):
        world.set_now(now)
        seen.append(stripe.get(f"payouts/{payout.payout_id}").json()["status"])
    assert seen == ["pending", "in_transit", "paid"]
    assert payout.payout_id in {p["id"] for p in stripe.every("payouts", status="paid")}


def test_dispute_is_open_until_closed(stripe: Client, world: World, shop: Shop) -> None:
    dispute = shop.disputes[0]
    body = stripe.get(f"disputes/{dispute.dispute_id}").json()
    closed = dispute.closed_at is not None
    assert body["status"] == (("won" if dispute.won else "lost") if closed else "needs_response")
    assert body["balance_transactions"][0]["reporting_category"] == "dispute"
    assert stripe.get(f"charges/{dispute.charge_id}").json()["disputed"] is True
    world.set_now(dispute.created_at - timedelta(seconds=1))
    assert stripe.get(f"charges/{dispute.charge_id}").json()["disputed"] is False


def test_refunded_amount_grows_with_refunds(stripe: Client, world: World, shop: Shop) -> None:
    refund = shop.card_refunds[0]
    world.set_now(refund.created_at - timedelta(seconds=1))
    before = stripe.get(f"charges/{refund.charge_id}").json()["amount_refunded"]
    world.set_now(refund.created_at)
    after = stripe.get(f"charges/{refund.charge_id}").json()["amount_refunded"]
    assert after - before == refund.amount
    assert stripe.every("refunds", charge=refund.charge_id)[0]["amount"] == refund.amount


def test_balance_is_what_was_earned_and_not_paid_out(stripe: Client, world: World, shop: Shop) -> None:
    now = midway(world)
    body = stripe.get("balance").json()
    total = sum(t.net for t in shop.balance_transactions if t.created_at <= now)
    assert body["available"][0]["amount"] + body["pending"][0]["amount"] == total
    assert body["pending"][0]["amount"] != 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": 0}, "parameter_invalid_integer"),
        ({"limit": 101}, "parameter_invalid_integer"),
        ({"limit": "many"}, "parameter_invalid_integer"),
        ({"updated[gte]": 1}, "parameter_unknown"),
        ({"starting_after": "ch_none"}, "resource_missing"),
        ({"starting_after": "ch_a", "ending_before": "ch_b"}, None),
        ({"expand[]": "data.customer"}, None),
    ],
)
def test_bad_arguments_are_400(stripe: Client, query: dict[str, Any], code: str | None) -> None:
    answer = stripe.get("charges", **query)
    assert answer.status_code == 400
    assert answer.json()["error"].get("code") == code


def test_unknown_path_is_404(stripe: Client) -> None:
    assert stripe.get("fees").status_code == 404


def test_expand_gives_the_object(stripe: Client) -> None:
    body = stripe.get("refunds", **{"limit": 2, "expand[]": "data.charge"}).json()
    assert [refund["charge"]["object"] for refund in body["data"]] == ["charge", "charge"]


def test_throttle_refuses_what_is_too_much_in_a_second(stripe: Client, world: World) -> None:
    ticks = [100.0]
    world.ticks = lambda: ticks[0]
    world.throttles["stripe"] = 2
    statuses = [stripe.get("balance").status_code for _ in range(3)]
    ticks[0] += 1
    answer = stripe.get("balance")
    assert [*statuses, answer.status_code] == [200, 200, 429, 200]


def test_faults_in_stripes_words(stripe: Client, world: World) -> None:
    for kind, status, code in [
        ("rate_limited", 429, "rate_limit"),
        ("expired_token", 401, "api_key_expired"),
        ("server_error", 500, None),
    ]:
        world.faults.arm("stripe", kind)  # type: ignore[arg-type]
        answer = stripe.get("charges")
        assert (answer.status_code, answer.json()["error"].get("code")) == (status, code)


def test_repeated_page_and_looping_cursor(stripe: Client, world: World) -> None:
    world.faults.arm("stripe", "repeated_page")
    first = stripe.get("charges", limit=5).json()
    after = first["data"][-1]["id"]
    assert stripe.get("charges", limit=5, starting_after=after).json() == first
    second = stripe.get("charges", limit=5, starting_after=after).json()
    assert second["data"][0]["id"] not in {charge["id"] for charge in first["data"]}

    world.faults.arm("stripe", "looping_cursor")
    for _ in range(3):
        assert stripe.get("charges", limit=5, starting_after=after).json() == second


def test_truncated_json_and_column_faults(stripe: Client, world: World) -> None:
    world.faults.arm("stripe", "truncated_json")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        stripe.get("charges").json()
    world.faults.arm("stripe", "missing_column", column="currency")
    world.faults.arm("stripe", "retyped_column", column="amount")
    world.faults.arm("stripe", "extra_column", column="tax", beside="fee")
    transaction = stripe.get("balance_transactions", limit=1).json()["data"][0]
    assert "currency" not in transaction
    assert isinstance(transaction["amount"], dict)
    assert transaction["tax"] == "unannounced"
    assert world.faults.pending() == []


@pytest.mark.parametrize("kind", [*KINDS, "account", "balance"])
def test_fields_and_types_are_the_vendors(stripe: Client, specs: Path, kind: str) -> None:
    fixtures = json.loads(next((specs / "stripe").glob("fixtures3*.json")).read_text())["resources"]
    body = stripe.get(kind).json()
    examples = body["data"] if body["object"] == "list" else [body]
    known = fixtures[kind.removesuffix("s")]
    assert examples
    for example in examples:
        assert example.keys() <= known.keys()
        if kind in KINDS:
            assert known.keys() - example.keys() <= FIELDS_SINCE_RETIRED
        for name, value in example.items():
            if value is not None and known[name] is not None:
                assert type(value) is type(known[name]), name
