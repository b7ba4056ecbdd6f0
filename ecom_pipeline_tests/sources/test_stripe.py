"""Stripe: the money comes back exact and complete, whatever the network does, and nobody's name with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import Charge, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window, local_midnight
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.stripe import Stripe
from ecom_pipeline.sources.stripe.currency import major
from ecom_pipeline.sources.stripe.source import StripeSettings
from ecom_pipeline.sources.stripe.tables import STREAMS, created_row

from .vendor_sandbox import NO_SLEEP, TIME_ZONE, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 2, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
TABLES = {table.name: table for table in Stripe.tables}
DAY = date(2026, 3, 10)
EDGES = {
    "ch_first_second": datetime(2026, 3, 9, 23, 0, 0, tzinfo=UTC),
    "ch_last_second": datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC),
    "ch_next_day": datetime(2026, 3, 10, 23, 0, 0, tzinfo=UTC),
}
WHOLE = window_of(FIRST - timedelta(days=1), LAST)


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = generate_shop(11, FIRST, LAST, orders_per_day=8)
    for name, at in EDGES.items():
        shop.charges.append(Charge(name, shop.orders[0].order_id, 100, "EUR", at, True, 100))
    return shop


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


@pytest.fixture
def stripe(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    monkeypatch.setattr(Stripe, "patience", NO_SLEEP)
    settings = StripeSettings(
        api_key=SecretStr(world.secrets["stripe_api_key"]), base_url=f"{served[1]}/stripe"
    )
    return Stripe("pay", settings, context_of(world))


def fetched(stripe: Stripe, name: str, window: Window = WHOLE) -> list[Any]:
    return list(stripe.fetch(TABLES[name], window))


def test_balance_transactions_are_complete_and_exact(stripe: Stripe, shop: Shop) -> None:
    rows = fetched(stripe, "balance_transactions")
    known = [t for t in shop.balance_transactions if t.created_at < WHOLE.end_at]
    assert len(known) > 300, "the test needs several pages"
    assert {row["id"]: (row["amount"], row["fee"], row["net"], row["type"]) for row in rows} == {
        t.txn_id: (Decimal(t.amount) / 100, Decimal(t.fee) / 100, Decimal(t.net) / 100, t.kind) for t in known
    }
    assert len(rows) == len(known)
    assert {row["id"]: row["available_at"] for row in rows} == {
        t.txn_id: t.available_at.replace(microsecond=0) for t in known
    }


@pytest.mark.parametrize("name", ["balance_transactions", "charges"])
def test_days_are_the_shops_and_windows_are_exact(stripe: Stripe, name: str) -> None:
    whole = [row for row in fetched(stripe, name) if row["day"] == DAY]
    alone = fetched(stripe, name, window_of(DAY, DAY))
    assert alone == whole and alone
    start = local_midnight(DAY, TIME_ZONE)
    assert all(start <= row["created_at"] < start + timedelta(days=1) for row in alone)
    if name == "charges":
        assert {row["id"] for row in alone} & set(EDGES) == {"ch_first_second", "ch_last_second"}


def test_every_row_has_every_declared_column(stripe: Stripe) -> None:
    for name, table in TABLES.items():
        rows = fetched(stripe, name)
        assert rows, name
        for row in rows:
            assert set(row) == {column.name for column in table.columns}
            assert all(row[column.name] is not None for column in table.columns if column.required)
        assert len({row["id"] for row in rows}) == len(rows)


def test_every_charge_refund_and_dispute_finds_its_order(stripe: Stripe, shop: Shop) -> None:
    tables = {name: (TABLES[name], fetched(stripe, name)) for name in ("charges", "refunds", "disputes")}
    connection = raw_tables(tables)
    mappings = Stripe.declared_mappings(stripe.settings)
    found = {
        row["source_id"]: row["order_reference"]
        for name, sql in mappings.items()
        if name.split("__")[0] == "payment_orders"
        for row in map_rows(connection, sql)
    }
    for transaction in shop.balance_transactions:
        if transaction.order_id is not None and transaction.created_at < WHOLE.end_at:
            assert found[transaction.source_id] == str(transaction.order_id), transaction


def test_payments_mapping_keeps_every_cent(stripe: Stripe, shop: Shop) -> None:
    name = "balance_transactions"
    connection = raw_tables({name: (TABLES[name], fetched(stripe, name))})
    rows = map_rows(connection, Stripe.declared_mappings(stripe.settings)["payments"])
    known = [t for t in shop.balance_transactions if t.created_at < WHOLE.end_at]
    assert sum(row["net"] for row in rows) == Decimal(sum(t.net for t in known)) / 100
    renamed = {"stripe_fee": "fee"}
    assert sorted(row["type"] for row in rows) == sorted(renamed.get(t.kind, t.kind) for t in known)
    assert {row["provider"] for row in rows} == {"the_source"}


def test_payouts_and_disputes_map(stripe: Stripe, shop: Shop) -> None:
    tables = {name: (TABLES[name], fetched(stripe, name)) for name in ("payouts", "disputes")}
    connection = raw_tables(tables)
    mappings = Stripe.declared_mappings(stripe.settings)
    payouts = {row["payout_id"]: row for row in map_rows(connection, mappings["payouts"])}
    for payout in shop.payouts:
        if payout.created_at < WHOLE.end_at:
            row = payouts[payout.payout_id]
            assert (row["arrival_day"], row["amount"]) == (payout.arrival_day, Decimal(payout.amount) / 100)
    disputes = map_rows(connection, mappings["disputes"])
    assert {row["dispute_id"] for row in disputes} == {
        d.dispute_id for d in shop.disputes if d.created_at < WHOLE.end_at
    }


def test_nothing_personal_or_secret_in_rows(stripe: Stripe) -> None:
    text = repr([fetched(stripe, name) for name in TABLES])
    assert PERSONAL_CANARY not in text
    assert SECRET_CANARY not in text
    assert "@" not in text and "4242" not in text.replace("acct_", "")


@pytest.mark.parametrize("kind", ["server_error", "rate_limited", "reset", "truncated_json", "html"])
def test_passing_failures_lose_and_double_nothing(stripe: Stripe, world: World, kind: Any) -> None:
    calm = fetched(stripe, "charges")
    world.faults.arm("stripe", kind, times=2, skip=1)
    if kind == "rate_limited":
        world.faults.arm("stripe", kind, retry_after=3, skip=2)
    assert fetched(stripe, "charges") == calm
    assert world.faults.pending() == []


@pytest.mark.parametrize("kind", ["repeated_page", "looping_cursor"])
def test_pages_that_lead_back_are_refused(stripe: Stripe, world: World, kind: Any) -> None:
    world.faults.arm("stripe", kind)
    with pytest.raises(SourceError, match=r"pay, balance_transactions, .* do not follow one another"):
        fetched(stripe, "balance_transactions")


@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
@pytest.mark.parametrize("column", ["amount", "created", "currency", "fee", "source"])
def test_missing_or_retyped_field_stops_the_table(
    stripe: Stripe, world: World, kind: Any, column: str
) -> None:
    world.faults.arm("stripe", kind, column=column)
    with pytest.raises(SchemaError, match=column) as caught:
        fetched(stripe, "balance_transactions")
    assert "pay, balance_transactions, 2026-01-31 to 2026-03-31" in str(caught.value)


def test_unknown_fields_change_nothing(stripe: Stripe, world: World) -> None:
    calm = fetched(stripe, "payouts")
    world.faults.arm("stripe", "extra_column", column="new_thing", beside="arrival_date")
    assert fetched(stripe, "payouts") == calm


def test_refused_key_is_named_without_being_shown(stripe: Stripe, world: World) -> None:
    wrong = stripe.settings.model_copy(update={"api_key": SecretStr("rk_test_canary-secret-wrong")})
    other = Stripe("pay", wrong, context_of(world))
    with pytest.raises(AuthenticationError) as caught:
        fetched(other, "charges")
    assert "rk_test" not in str(caught.value) and "Charges" in caught.value.mend
    (finding,) = other.check()
    assert finding.state == "error" and "rk_test" not in repr(finding)


def test_check_names_each_missing_right(stripe: Stripe, world: World) -> None:
    assert [finding.state for finding in stripe.check()] == ["ok"] * 5
    world.missing_rights |= {("stripe", "rak_refund_read"), ("stripe", "rak_dispute_read")}
    wrong = [finding for finding in stripe.check() if finding.state != "ok"]
    assert [finding.subject for finding in wrong] == ["pay, refunds", "pay, disputes"]
    assert "Read on Refunds" in wrong[0].mend


def test_secret_key_is_warned_about(stripe: Stripe, world: World) -> None:
    world.secrets = {**world.secrets, "stripe_api_key": "sk_test_canary-secret"}
    settings = stripe.settings.model_copy(update={"api_key": SecretStr("sk_test_canary-secret")})
    try:
        findings = Stripe("pay", settings, context_of(world)).check()
    finally:
        world.secrets["stripe_api_key"] = stripe.settings.api_key.get_secret_value()
    assert [finding.state for finding in findings] == ["warning"] + ["ok"] * 5


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1099, "eur", "10.99"),
        (-5, "USD", "-0.05"),
        (500, "jpy", "500"),
        (1234, "KRW", "1234"),
        (5120, "kwd", "5.12"),
        (500, "isk", "5"),
        (0, "eur", "0"),
    ],
)
def test_minor_units(minor: int, currency: str, amount: str) -> None:
    assert major(minor, currency) == Decimal(amount)


def test_vendors_own_examples_become_rows(shared: Path) -> None:
    file = shared / "specs" / "stripe" / "fixtures3.2026-08-21.json"
    examples = json.loads(file.read_text())["resources"]
    for stream in STREAMS:
        item = dict(examples[stream.table.name.removesuffix("s")])
        if isinstance(item.get("source"), dict):
            item["source"] = item["source"]["id"]
        row = created_row(Fields(item, stream.table.name, "test"), "order_id", lambda at: at.date(), stream)
        assert set(row) == {column.name for column in stream.table.columns}


def test_requests_are_those_of_the_specification(stripe: Stripe, world: World, shared: Path) -> None:
    file = shared / "specs" / "stripe" / "spec3.2023-08-16.yaml"
    spec = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
    for name in TABLES:
        fetched(stripe, name)
    for entry in world.log:
        operation = spec["paths"][entry.path.removeprefix("/stripe")]["get"]
        known = {parameter["name"]: parameter for parameter in operation["parameters"]}
        for part in entry.query.split("&"):
            parameter, _, value = part.partition("=")
            base, _, inner = parameter.partition("[")
            assert base in known
            if base == "created":
                ranges = known["created"]["schema"]["anyOf"][0]["properties"]
                assert inner.removesuffix("]") in ranges
            if base == "expand":
                kind = spec["components"]["schemas"][entry.path.rsplit("/", 1)[1].removesuffix("s")]
                assert value.removeprefix("data.") in kind["x-expandableFields"]
        assert entry.headers["authorization"] == "present"
        assert entry.headers["stripe-version"] == "2026-10-28.endive"
