"""Orders, payments, payouts and bank: every cent is in a line, and every difference has a reason."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP, Business

from ..simulation import Simulation, simulate

ORDERS, PAYMENTS, BANK = "orders to payments", "payments to payouts", "payouts to bank"


@pytest.fixture(scope="module", params=["one shop", "group"])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    business: Business = {"one shop": ONE_SHOP, "group": GROUP}[request.param]
    folder = tmp_path_factory.mktemp("books")
    with simulate(folder, seed=31, days=84, orders_per_day=16, business=business) as simulation:
        simulation.run()
        yield simulation


def total(read: Simulation, column: str, where: str) -> Decimal:
    (row,) = read.query(f"SELECT COALESCE(SUM({column}), 0) FROM model.reconciliation WHERE {where}")
    return Decimal(row[0])


def cents(amount: int) -> Decimal:
    return Decimal(amount) / 100


def test_a_match_is_no_difference(read: Simulation) -> None:
    rows = read.query(
        "SELECT * FROM model.reconciliation WHERE difference <> expected - found "
        "OR (reason LIKE 'matched%' AND difference <> 0) OR (reason NOT LIKE 'matched%' AND difference = 0 "
        "AND stage <> 'payments to payouts')"
    )
    assert rows == []
    (matched,) = read.query("SELECT COUNT(*) FROM model.reconciliation WHERE reason = 'matched'")
    assert matched[0] > 100


def test_every_payment_is_in_one_line(read: Simulation) -> None:
    truth = sum(one.amount for one in read.shop.balance_transactions if one.kind in ("charge", "refund"))
    assert total(read, "found", f"stage = '{ORDERS}'") == cents(truth)


def test_what_orders_should_have_brought_is_there_or_explained(read: Simulation) -> None:
    """In the shop's own currency, to the cent: gift cards, orders that were deleted, and nothing else."""
    rows = read.query(
        "SELECT reason, SUM(difference), COUNT(*) FROM model.reconciliation WHERE stage = ? "
        "AND reason NOT LIKE 'matched%' GROUP BY reason",
        [ORDERS],
    )
    found = {reason: amount for reason, amount, _ in rows}
    gone = {one.order_id for one in read.shop.orders if one.deleted_at and one.deleted_at <= read.world.now()}
    orphaned = sum(
        one.amount
        for one in read.shop.balance_transactions
        if one.kind in ("charge", "refund") and one.order_id in gone
    )
    assert found["a payment without an order"] == -cents(orphaned) < 0
    cards = sum(
        one.gift_card_paid
        for one in read.shop.orders
        if one.gift_card_paid and one.order_id not in gone and not one.test
    )
    by_card = found.get("paid in part: gift card or another means of payment", Decimal(0)) + found.get(
        "not paid through a known processor", Decimal(0)
    )
    assert by_card == cents(cards) > 0
    assert set(found) <= {
        "a payment without an order",
        "paid in part: gift card or another means of payment",
        "not paid through a known processor",
        "paid in another currency: the processor's own rate",
    }


def test_processors_hold_what_they_did_not_pay_out(read: Simulation) -> None:
    for provider in sorted({one.processor for one in read.shop.balance_transactions}):
        held = sum(one.net for one in read.shop.balance_transactions if one.processor == provider)
        where = f"stage = '{PAYMENTS}' AND provider = '{provider}'"
        assert total(read, "difference", where) == cents(held)


def test_payouts_are_at_the_bank_on_their_way_or_missing(read: Simulation) -> None:
    announced = sum(one.amount for one in read.shop.payouts)
    credited = sum(one.amount for one in read.shop.payouts if one.bank_transaction_id is not None)
    assert total(read, "expected", f"stage = '{BANK}'") == cents(announced)
    assert total(read, "found", f"stage = '{BANK}'") == cents(credited)


def test_each_incident_is_listed_with_its_amount(read: Simulation) -> None:
    incidents = {one.key: one for one in read.shop.incidents}
    (lost,) = [
        one
        for one in read.shop.payouts
        if one.bank_transaction_id is None
        and one.arrival_day == incidents["payout_lost"].first_day
        and one.processor == "stripe"
    ]
    rows = read.query(
        "SELECT reference, difference FROM model.reconciliation WHERE stage = ? AND reason = 'missing at the bank'",
        [BANK],
    )
    assert rows == [(lost.payout_id, cents(lost.amount))]
    late = read.query("SELECT reference FROM model.reconciliation WHERE reason = 'matched: late'")
    assert [
        row
        for row in read.shop.payouts
        if (row.payout_id,) in late and row.arrival_day == incidents["payout_late"].first_day
    ]
    disputed = total(read, "expected", f"stage = '{PAYMENTS}' AND reason = 'a dispute'")
    assert (
        disputed
        == cents(sum(one.net for one in read.shop.balance_transactions if one.kind == "adjustment"))
        < 0
    )


def test_a_payment_that_is_taken_away_is_one_new_line(read: Simulation) -> None:
    (chosen,) = read.query(
        "SELECT p.payment_id, p.amount, l.order_reference FROM mapped.payments AS p "
        "JOIN mapped.payment_orders AS l ON l.source_id = p.source_id AND l.provider = p.provider "
        "JOIN mapped.orders AS o ON o.order_reference = l.order_reference "
        "WHERE p.type = 'charge' AND o.currency = 'EUR' AND o.country = 'FR' "
        "AND NOT EXISTS (SELECT 1 FROM mapped.payment_orders AS r WHERE r.charge_id = p.source_id) "
        "AND NOT EXISTS (SELECT 1 FROM model.reconciliation AS x WHERE x.reference = l.order_reference) "
        "ORDER BY p.payment_id LIMIT 1"
    )
    before = unexplained(read)
    read.query("CREATE TABLE run.kept AS SELECT * FROM mapped.payments WHERE payment_id = ?", [chosen[0]])
    read.query("DELETE FROM mapped.payments WHERE payment_id = ?", [chosen[0]])
    try:
        rebuild(read)
        new = unexplained(read) - before
        assert new == {("not paid through a known processor", chosen[2], chosen[1])}
    finally:
        read.query("INSERT INTO mapped.payments SELECT * FROM run.kept")
        read.query("DROP TABLE run.kept")
        rebuild(read)
    assert unexplained(read) == before


def unexplained(read: Simulation) -> set[tuple[str, str, Decimal]]:
    return set(
        read.query(
            "SELECT reason, reference, difference FROM model.reconciliation WHERE stage = ? AND reason NOT LIKE 'matched%'",
            [ORDERS],
        )
    )


def rebuild(read: Simulation) -> None:
    read.query("DELETE FROM ops.built WHERE node = 'model.reconciliation'")
    last = read.shop.last_day
    read.pipeline.compute(last, last, ["model.reconciliation"])
