"""Orders, payments, payouts and bank: every cent is in a line, and every difference has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP, Business

from ..simulation import Simulation, simulate

ORDERS, PAYMENTS, BANK = "orders to payments", "payments to payouts", "payouts to bank"
REASONS = {
    ORDERS: {
        "matched",
        "matched: a test order, nothing to pay",
        "matched: given up before payment",
        "paid in another currency: the processor's own rate",
        "not paid through a known processor",
        "paid in part: gift card or another means of payment",
        "paid more than agreed",
        "a payment without an order",
        "a payment whose number orders of several shops bear",
    },
    PAYMENTS: {
        "taken in, less fees and refunds",
        "the processor's own bill",
        "a dispute",
        "another movement of the processor",
        "paid out",
    },
    BANK: {"matched", "matched: late", "not at the bank"},
}


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
    """Day by day and processor by processor: what came in less what left is what its balance moved by."""
    moved: Counter[tuple[date, str]] = Counter()
    for one in read.shop.balance_transactions:
        moved[local_day(read, one.created_at), one.processor] += one.net
    rows = read.query(
        "SELECT day, provider, SUM(difference) FROM model.reconciliation WHERE stage = ? GROUP BY day, provider",
        [PAYMENTS],
    )
    assert {(day, provider): amount for day, provider, amount in rows} == {
        key: cents(amount) for key, amount in moved.items()
    }
    assert {provider for _, provider, _ in rows} == set(read.shop.business.processors)


def test_payouts_are_at_the_bank_on_their_way_or_missing(read: Simulation) -> None:
    announced: Counter[tuple[date, str]] = Counter()
    credited: Counter[tuple[date, str]] = Counter()
    for one in read.shop.payouts:
        key = (local_day(read, one.created_at), one.processor)
        announced[key] += one.amount
        credited[key] += one.amount if one.bank_transaction_id is not None else 0
    rows = read.query(
        "SELECT day, provider, SUM(expected), SUM(found), SUM(difference) FROM model.reconciliation "
        "WHERE stage = ? GROUP BY day, provider",
        [BANK],
    )
    assert len(rows) > 40
    assert {(day, provider): (expected, found, gap) for day, provider, expected, found, gap in rows} == {
        key: (cents(amount), cents(credited[key]), cents(amount - credited[key]))
        for key, amount in announced.items()
    }


def test_each_lost_and_each_late_payout_is_listed_with_its_amount_and_days(read: Simulation) -> None:
    incidents = {one.key: one for one in read.shop.incidents}
    by_stripe = [one for one in read.shop.payouts if one.processor == "stripe"]
    lost = next(one for one in by_stripe if one.arrival_day == incidents["payout_lost"].first_day)
    rows = read.query(
        "SELECT reference, difference, since_day, settled_day FROM model.reconciliation "
        "WHERE reason = 'not at the bank' AND since_day < ?",
        [read.shop.last_day - timedelta(days=4)],
    )
    assert rows == [(lost.payout_id, cents(lost.amount), lost.arrival_day, None)]
    incident = incidents["payout_late"]
    late = next(one for one in by_stripe if one.arrival_day == incident.first_day)
    listed = read.query(
        "SELECT expected, difference, since_day, settled_day FROM model.reconciliation "
        "WHERE reason = 'matched: late' AND reference = ?",
        [late.payout_id],
    )
    assert listed == [(cents(late.amount), Decimal(0), incident.first_day, incident.last_day)]
    assert (incident.last_day - incident.first_day).days > 4


def test_each_dispute_is_listed_with_its_amount_and_day(read: Simulation) -> None:
    rows = read.query(
        "SELECT day, provider, difference, since_day FROM model.reconciliation WHERE stage = ? AND reason = ?",
        [PAYMENTS, "a dispute"],
    )
    disputed = [one for one in read.shop.balance_transactions if one.kind == "adjustment"]
    days = [local_day(read, one.created_at) for one in disputed]
    wanted = [(day, one.processor, cents(one.net), day) for day, one in zip(days, disputed, strict=True)]
    assert wanted and sorted(rows) == sorted(wanted)


def test_reasons_are_a_closed_vocabulary(read: Simulation) -> None:
    rows = read.query("SELECT DISTINCT stage, reason FROM model.reconciliation")
    assert len(rows) > 8
    assert {stage for stage, _ in rows} == set(REASONS)
    assert all(reason in REASONS[stage] for stage, reason in rows)


def test_a_number_two_orders_bear_pays_neither_and_nothing_twice(read: Simulation) -> None:
    """Two shops may count alike; then nothing tells whose a payment is."""
    rows = read.query(
        "SELECT l.order_reference, SUM(p.amount), MIN(o.order_id) FROM mapped.payments AS p "
        "JOIN mapped.payment_orders AS l ON l.source_id = p.source_id AND l.provider = p.provider "
        "JOIN mapped.orders AS o ON o.order_reference = l.order_reference "
        "WHERE p.type = 'charge' AND NOT EXISTS (SELECT 1 FROM mapped.payment_orders AS r WHERE r.charge_id = p.source_id) "
        "GROUP BY l.order_reference HAVING COUNT(*) = 1 ORDER BY l.order_reference LIMIT 2"
    )
    (kept, amount, _), (changed, _, order_id) = rows
    everything = total(read, "found", f"stage = '{ORDERS}'")
    read.query("UPDATE mapped.orders SET order_reference = ? WHERE order_id = ?", [kept, order_id])
    try:
        rebuild(read)
        assert total(read, "found", f"stage = '{ORDERS}'") == everything
        listed = total(read, "found", "reason = 'a payment whose number orders of several shops bear'")
        assert listed == amount
    finally:
        read.query("UPDATE mapped.orders SET order_reference = ? WHERE order_id = ?", [changed, order_id])
        rebuild(read)


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
    nodes = ["model.payments", "model.settlements", "model.reconciliation"]
    read.query("DELETE FROM ops.built WHERE LIST_CONTAINS(?, node)", [nodes])
    read.pipeline.compute(read.shop.first_day, read.shop.last_day, nodes)


def local_day(read: Simulation, at: datetime) -> date:
    return at.astimezone(ZoneInfo(read.shop.time_zone)).date()
