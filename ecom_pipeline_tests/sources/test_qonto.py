"""Qonto: every movement with its sign, nobody's name, and nothing lost while pages shift."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World
from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.processors import named_processor
from ecom_pipeline.sources.qonto import Qonto, source
from ecom_pipeline.sources.qonto.source import QontoSettings
from ecom_pipeline.sources.qonto.tables import BALANCES, TRANSACTIONS

from .vendor_sandbox import NO_SLEEP, context_of, map_rows, raw_tables, window_of

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
NEWEST = window_of(FIRST - timedelta(days=1), LAST)
PAST = window_of(date(2026, 2, 1), date(2026, 2, 28))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(5, FIRST, LAST, orders_per_day=3)


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
    world.set_now(NOW)


@pytest.fixture
def qonto(served: tuple[World, str], world: World, monkeypatch: pytest.MonkeyPatch) -> Qonto:
    monkeypatch.setattr(Qonto, "patience", NO_SLEEP)
    settings = QontoSettings(
        login=SecretStr(world.secrets["qonto_login"]),
        secret_key=SecretStr(world.secrets["qonto_secret_key"]),
        base_url=f"{served[1]}/qonto",
    )
    return Qonto("bank", settings, context_of(world))


def fetched(qonto: Qonto, window: Window = NEWEST) -> list[Any]:
    return list(qonto.fetch(TRANSACTIONS, window))


def booked(rows: list[Any]) -> list[tuple[Any, ...]]:
    done = [row for row in rows if row["status"] == "completed"]
    return sorted((row["bank_account_id"], row["settled_at"], row["amount"]) for row in done)


def to_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.parametrize("page", [100, 7])
def test_every_movement_comes_with_its_sign(
    qonto: Qonto, shop: Shop, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(source, "PAGE", page)
    rows = fetched(qonto)
    known = [t for t in shop.bank_transactions if t.emitted_at <= NOW]
    assert len(rows) == len(known) > 50
    assert len({row["id"] for row in rows}) == len(rows)
    expected = sorted(
        (t.account_id, to_millisecond(t.settled_at), Decimal(t.amount) / 100)
        for t in known
        if t.status == "completed" and t.settled_at is not None and t.settled_at <= NOW
    )
    assert booked(rows) == expected
    assert {row["status"] for row in rows} >= {"completed", "declined"}


def test_processors_are_told_and_labels_are_not(qonto: Qonto, shop: Shop) -> None:
    rows = fetched(qonto)
    stripes = [t for t in shop.bank_transactions if "STRIPE" in t.label and t.status == "completed"]
    assert sum(row["processor"] == "stripe" for row in rows) >= len(stripes) > 0
    text = repr(rows)
    for hidden in (PERSONAL_CANARY, SECRET_CANARY, "PAYMENTS EUROPE", "SCI DES ATELIERS", "4242"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("label", "processor"),
    [
        ("STRIPE PAYMENTS EUROPE", "stripe"),
        ("Virement PayPal (Europe)", "paypal"),
        ("CHECKOUT.COM SAS", "checkout.com"),
        ("Pinstripe Tailors", None),
        ("M. Almaric", None),
        ("", None),
        (None, None),
    ],
)
def test_processor_is_a_whole_word_of_the_label(label: str | None, processor: str | None) -> None:
    assert named_processor(label) == processor


def test_past_window_is_updated_or_settled_in_it(qonto: Qonto, shop: Shop, world: World) -> None:
    rows = fetched(qonto, PAST)
    settled = [
        t
        for t in shop.bank_transactions
        if t.status == "completed" and t.settled_at and PAST.start_at <= t.settled_at < PAST.end_at
    ]
    ids = {row["id"] for row in rows if row["status"] == "completed"}
    assert len(ids) == len(settled) > 10
    queries = [entry.query for entry in world.log if entry.path.endswith("transactions")]
    assert all("_from=2026-01-31T23:00:00.000Z" in query for query in queries)
    assert all("_to=2026-02-28T22:59:59.999Z" in query for query in queries)


def test_pending_movement_is_met_again_when_it_completes(qonto: Qonto, shop: Shop, world: World) -> None:
    later = next(
        t
        for t in shop.bank_transactions
        if t.status == "completed" and t.settled_at and t.settled_at - t.emitted_at > timedelta(hours=12)
    )
    assert later.settled_at is not None
    world.set_now(later.emitted_at + timedelta(hours=1))
    day = window_of(later.emitted_at.date(), later.emitted_at.date(), world.now())
    pending = {row["id"] for row in fetched(qonto, day) if row["status"] == "pending"}
    assert pending
    world.set_now(later.settled_at + timedelta(hours=1))
    day = window_of(later.settled_at.date(), later.settled_at.date(), world.now())
    assert pending & {row["id"] for row in fetched(qonto, day) if row["status"] == "completed"}


def test_balances_are_the_banks(qonto: Qonto, shop: Shop) -> None:
    rows = list(qonto.fetch(BALANCES, NEWEST))
    for account in shop.bank_accounts:
        (row,) = [row for row in rows if row["account_id"] == account.account_id]
        moved = sum(
            t.amount
            for t in shop.bank_transactions
            if t.account_id == account.account_id
            and t.status == "completed"
            and t.settled_at is not None
            and t.settled_at <= NOW
        )
        assert row["balance"] == Decimal(account.opening_balance + moved) / 100
        assert row["observed_at"] == NOW and row["account"] == account.name
        assert account.iban not in repr(rows)


def test_mappings_keep_completed_movements_and_balances(qonto: Qonto, shop: Shop) -> None:
    tables = {
        "transactions": (TRANSACTIONS, fetched(qonto)),
        "balances": (BALANCES, list(qonto.fetch(BALANCES, NEWEST))),
    }
    connection = raw_tables(tables)
    mappings = Qonto.declared_mappings(qonto.settings)
    rows = map_rows(connection, mappings["bank_transactions"])
    completed = [t for t in shop.bank_transactions if t.status == "completed" and t.settled_at]
    done = [t for t in completed if t.settled_at and t.settled_at <= NOW]
    assert sum(row["amount"] for row in rows) == Decimal(sum(t.amount for t in done)) / 100
    assert len(rows) == len(done)
    assert all(row["day"] is not None for row in rows)
    balances = map_rows(connection, mappings["bank_balances"])
    assert {row["account_id"] for row in balances} == {a.account_id for a in shop.bank_accounts}


@pytest.mark.parametrize("kind", ["server_error", "rate_limited", "reset", "truncated_json"])
def test_passing_failures_lose_and_double_nothing(qonto: Qonto, world: World, kind: Any) -> None:
    calm = fetched(qonto)
    world.faults.arm("qonto", kind, times=2, skip=1)
    assert fetched(qonto) == calm
    assert world.faults.pending() == []


def test_repeated_page_is_refused(qonto: Qonto, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 10)
    world.faults.arm("qonto", "repeated_page")
    with pytest.raises(SourceError, match=r"bank, transactions, .* do not follow one another"):
        fetched(qonto)


def shifting(monkeypatch: pytest.MonkeyPatch, totals: list[int]) -> list[int]:
    """Serve pages of one transaction whose announced number follows `totals`; returns the pages asked."""
    asked: list[int] = []

    def page(*args: Any) -> Any:
        number, total = args[-2], totals[min(len(asked), len(totals) - 1)]
        asked.append(number)
        item = {
            "id": f"t{number}",
            "side": "debit",
            "amount_cents": 100,
            "status": "completed",
            "operation_type": "card",
            "category": None,
            "label": "x",
            "currency": "EUR",
            "settled_at": None,
            "emitted_at": None,
            "updated_at": "2026-02-03T00:00:00.000Z",
        }
        return [item], number + 1 if number < 3 else None, total

    monkeypatch.setattr(Qonto, "_page", page)
    return asked


def test_list_that_shrinks_while_read_is_read_again(qonto: Qonto, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = shifting(monkeypatch, [3, 3, 2, 3])
    assert len(list(qonto._transactions(None, "a", {}, "bank"))) == 6  # type: ignore[arg-type]
    assert asked == [1, 2, 3, 1, 2, 3]


def test_list_that_never_rests_is_an_error(qonto: Qonto, monkeypatch: pytest.MonkeyPatch) -> None:
    shifting(monkeypatch, list(range(100, 0, -1)))
    with pytest.raises(SourceError, match="kept changing"):
        list(qonto._transactions(None, "a", {}, "bank"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
@pytest.mark.parametrize("column", ["amount_cents", "side", "updated_at"])
def test_missing_or_retyped_field_stops_the_table(qonto: Qonto, world: World, kind: Any, column: str) -> None:
    world.faults.arm("qonto", kind, column=column, where="transactions")
    with pytest.raises(SchemaError, match=f"bank, transactions, .*{column}"):
        fetched(qonto)


def test_refused_key_is_named_without_being_shown(qonto: Qonto, world: World) -> None:
    settings = qonto.settings.model_copy(update={"secret_key": SecretStr("canary-secret-wrong")})
    other = Qonto("bank", settings, context_of(world))
    with pytest.raises(AuthenticationError) as caught:
        fetched(other)
    assert SECRET_CANARY not in str(caught.value)
    (finding,) = other.check()
    assert finding.state == "error" and "API key" in finding.mend and SECRET_CANARY not in repr(finding)


def test_check_reads_organisation_and_transactions(qonto: Qonto, world: World) -> None:
    assert [finding.state for finding in qonto.check()] == ["ok", "ok"]
    world.missing_rights.add(("qonto", "organization.read"))
    assert [finding.state for finding in qonto.check()] == ["error"]
