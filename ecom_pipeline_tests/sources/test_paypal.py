"""PayPal: every movement once, fees as PayPal keeps them, nobody who paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.sandbox.events import GROUP, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors import paypal as twin
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.failures import TooMuchAskedError
from ecom_pipeline.sources.paypal import PayPal, source
from ecom_pipeline.sources.paypal.source import PayPalSettings
from ecom_pipeline.sources.paypal.tables import DISPUTES, TRANSACTIONS

from .contract_suite import Case, SourceContract
from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
WHOLE = window_of(FIRST, LAST)


class TestContract(SourceContract):
    case = Case(
        "paypal",
        "paypal",
        table="transactions",
        column="transaction_event_code",
        where="/v1/reporting/transactions",
        small_pages=("ecom_pipeline.sources.paypal.source.PAGE",),
        page_rows=3,
    )
    business = replace(GROUP, sources=("paypal",))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, 40.0, GROUP)


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


def client(served: tuple[World, str], **changed: Any) -> PayPal:
    world, url = served
    (told,) = twin.instances(world, url)
    secrets = {name: SecretStr(value) for name, value in told.secrets.items()}
    return PayPal("paypal", PayPalSettings(**(told.settings | secrets | changed)), context_of(world))


@pytest.fixture
def paypal(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> PayPal:
    monkeypatch.setattr(PayPal, "patience", NO_SLEEP)
    return client(served)


def fetched(paypal: PayPal, table: Table = TRANSACTIONS, window: Window = WHOLE) -> list[Any]:
    return list(paypal.fetch(table, window))


def own(shop: Shop) -> list[Any]:
    return [one for one in shop.balance_transactions if one.processor == "paypal"]


def test_every_movement_of_its_own_and_no_other(paypal: PayPal, shop: Shop) -> None:
    rows = fetched(paypal)
    assert 100 < len(rows) == len(own(shop)) < len(shop.balance_transactions)
    assert len({(row["transaction_id"], row["event_code"]) for row in rows}) == len(rows)
    assert sum(row["amount"] for row in rows) == Decimal(sum(one.amount for one in own(shop))) / 100
    assert sum(row["fee"] for row in rows) == Decimal(sum(one.fee for one in own(shop))) / 100 > 0
    assert PERSONAL_CANARY not in repr(rows)


def test_mapped_it_is_the_processors_balance(paypal: PayPal, shop: Shop) -> None:
    mappings = PayPal.declared_mappings(paypal.settings)
    connection = raw_tables({"transactions": (TRANSACTIONS, fetched(paypal))})
    payments = map_rows(connection, mappings["payments"])
    by_type = {
        kind: sum(row["net"] for row in payments if row["type"] == kind)
        for kind in {row["type"] for row in payments}
    }
    wanted: dict[str, Decimal] = {}
    for one in own(shop):
        wanted[one.kind] = wanted.get(one.kind, Decimal(0)) + Decimal(one.net) / 100
    assert by_type == wanted
    payouts = map_rows(connection, mappings["payouts"])
    assert {(row["payout_id"], row["amount"]) for row in payouts} == {
        (one.payout_id, Decimal(one.amount) / 100) for one in shop.payouts if one.processor == "paypal"
    }
    links = {row["source_id"]: row for row in map_rows(connection, mappings["payment_orders"])}
    charges = [one for one in shop.charges if one.processor == "paypal"]
    assert all(links[one.charge_id]["order_reference"] == str(one.order_id) for one in charges)
    refunds = [one for one in shop.card_refunds if one.processor == "paypal"]
    assert refunds and all(links[one.refund_id]["charge_id"] == one.charge_id for one in refunds)


def test_disputes_move_when_they_are_decided(paypal: PayPal, shop: Shop, world: World) -> None:
    disputes = [one for one in shop.disputes if one.processor == "paypal"]
    rows = {row["dispute_id"]: row for row in fetched(paypal, DISPUTES)}
    assert disputes and set(rows) == {one.dispute_id for one in disputes if one.created_at <= NOW}
    closed = next(one for one in disputes if one.closed_at is not None and one.closed_at < NOW)
    assert rows[closed.dispute_id]["status"] == "RESOLVED"
    assert closed.closed_at is not None
    world.set_now(closed.closed_at - timedelta(hours=1))
    before = window_of(FIRST, LAST, world.now())
    (row,) = [row for row in fetched(paypal, DISPUTES, before) if row["dispute_id"] == closed.dispute_id]
    assert row["status"] == "UNDER_REVIEW" and row["updated_at"] == closed.created_at.replace(microsecond=0)


def test_long_spans_are_asked_for_in_months(paypal: PayPal, world: World) -> None:
    fetched(paypal)
    spans = []
    for entry in world.log:
        if entry.path.endswith("/transactions"):
            asked = dict(parse_qsl(entry.query))
            spans.append(
                (datetime.fromisoformat(asked["start_date"]), datetime.fromisoformat(asked["end_date"]))
            )
            assert asked["fields"] == "transaction_info"
    assert len(spans) == 3
    for (_, end), (start, _) in pairwise(spans):
        assert start - end == timedelta(seconds=1), "nothing between, nothing twice"
    assert all(end - start < timedelta(days=31) for start, end in spans)


def test_one_sign_in_serves_a_whole_reading(paypal: PayPal, world: World) -> None:
    fetched(paypal)
    assert sum(entry.path.endswith("/token") for entry in world.log) == 1


def test_an_expired_token_is_renewed_once(
    paypal: PayPal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(paypal)
    world.faults.arm("paypal", "expired_token", where="/v1/reporting/transactions")
    world.log.clear()
    assert fetched(paypal) == calm
    assert sum(entry.path.endswith("/token") for entry in world.log) == 2


def test_throttling_is_waited_for(paypal: PayPal, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 50)
    calm = fetched(paypal)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    monkeypatch.setattr(world, "ticks", lambda: now[0])
    monkeypatch.setattr(PayPal, "patience", replace(NO_SLEEP, sleep=sleep))
    world.throttles["paypal"] = 2
    assert fetched(paypal) == calm
    assert now[0] > 0


@pytest.mark.parametrize("right", ["reporting", "disputes"])
def test_a_missing_feature_is_named(paypal: PayPal, world: World, right: str) -> None:
    world.missing_rights.add(("paypal", right))
    findings = {finding.subject: finding for finding in paypal.check()}
    refused = findings["paypal, transactions" if right == "reporting" else "paypal, disputes"]
    assert refused.state == "error" and "Transaction search" in refused.mend
    assert sorted(finding.state for finding in findings.values()) == ["error", "ok"]


def test_a_wrong_secret_is_never_shown(served: tuple[World, str], paypal: PayPal) -> None:
    wrong = client(served, client_secret=SecretStr(f"{SECRET_CANARY}-wrong"))
    with pytest.raises(AuthenticationError) as caught:
        fetched(wrong)
    assert SECRET_CANARY not in f"{caught.value} {caught.value.__context__!r}"


def test_too_many_for_one_search_are_asked_for_in_halves(
    paypal: PayPal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = fetched(paypal)
    most = max(Counter(row["day"] for row in calm).values())
    monkeypatch.setattr(twin, "MOST_FOUND", most)
    world.log.clear()
    assert fetched(paypal) == calm
    refused = [entry for entry in world.log if entry.path.endswith("/transactions") and entry.status == 400]
    assert len(refused) > 3
    monkeypatch.setattr(twin, "MOST_FOUND", 0)
    with pytest.raises(TooMuchAskedError) as caught:
        fetched(paypal)
    assert "RESULTSET_TOO_LARGE" in caught.value.why and caught.value.mend


def test_disputes_are_followed_from_page_to_page(
    paypal: PayPal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fetched(paypal, DISPUTES)
    monkeypatch.setattr(source, "DISPUTES_PAGE", 1)
    world.log.clear()
    assert fetched(paypal, DISPUTES) == whole
    assert sum(entry.path.endswith("/disputes") for entry in world.log) == len(whole) > 1


def test_disputes_older_than_paypal_tells_are_not_asked_for(paypal: PayPal, world: World) -> None:
    late = NOW + timedelta(days=140)
    world.set_now(late)
    rows = fetched(paypal, DISPUTES, window_of(FIRST, LAST, late))
    assert rows and all(row["updated_at"] >= late - timedelta(days=180) for row in rows)
    world.log.clear()
    much_later = NOW + timedelta(days=400)
    world.set_now(much_later)
    assert fetched(paypal, DISPUTES, window_of(FIRST, LAST, much_later)) == []
    assert world.log == []


KINDS = {
    ("T0006", 50): "charge",
    ("T0003", 50): "charge",
    ("T0001", -50): "other",  # the shop pays somebody
    ("T0106", -16): "fee",
    ("T1108", 2): "fee",
    ("T0400", -500): "payout",
    ("T1101", 500): "payout",  # a withdrawal that came back
    ("T1107", -50): "refund",
    ("T1106", -50): "adjustment",
    ("T1110", -50): "adjustment",
    ("T1111", 50): "adjustment",
    ("T1201", -50): "adjustment",
    ("T1202", 50): "adjustment",
    ("T0200", -20): "other",
    ("T2101", -20): "other",
}


def test_event_codes_tell_what_a_movement_is(paypal: PayPal) -> None:
    rows = [
        {
            "day": FIRST,
            "transaction_id": code,
            "event_code": code,
            "status": "S",
            "initiated_at": NOW,
            "amount": Decimal(amount),
            "fee": Decimal(0),
            "currency": "EUR",
            "order_reference": None,
            "reference_id": None,
        }
        for code, amount in KINDS
    ]
    pending = {**rows[0], "status": "P", "transaction_id": "pending"}
    connection = raw_tables({"transactions": (TRANSACTIONS, [*rows, pending])})
    mapped = map_rows(connection, PayPal.declared_mappings(paypal.settings)["payments"])
    assert {(row["source_id"], row["amount"]): row["type"] for row in mapped} == KINDS


def test_late_movements_are_met_by_the_next_mornings_reading(
    paypal: PayPal, shop: Shop, world: World
) -> None:
    """What was begun in the last three hours is not listed yet; the days before are read again every morning."""
    last = own(shop)[-1]
    world.set_now(last.created_at + timedelta(hours=2))
    assert last.source_id not in {row["transaction_id"] for row in fetched(paypal)}
    world.set_now(last.created_at + timedelta(hours=4))
    assert last.source_id in {row["transaction_id"] for row in fetched(paypal)}
    assert TRANSACTIONS.restate_days >= 7
