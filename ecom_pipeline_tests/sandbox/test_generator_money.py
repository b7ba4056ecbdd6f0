"""In the simulated shop orders, cards, processor and bank must agree to the cent."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator.clock import (
    Clock,
    business_day_after,
    easter_sunday,
    is_business_day,
)
from ecom_pipeline.sandbox.generator.payments import processing_fee
from ecom_pipeline_tests.sandbox.generated import (
    FIRST_DAY,
    LAST_DAY,
    assert_money_balances,
    end_of,
    sixty_weeks,
    twelve_days,
)


@pytest.fixture(scope="module", name="shop")
def _shop() -> Shop:
    return sixty_weeks()


@pytest.fixture(scope="module", name="small")
def _small() -> Shop:
    return twelve_days()


def test_what_is_agreed_is_what_is_paid(shop: Shop, small: Shop) -> None:
    assert_money_balances(shop)
    assert_money_balances(small)


def test_gift_cards_redeemed_were_sold_before(shop: Shop) -> None:
    balance = 0
    for order in shop.orders:
        balance -= order.gift_card_paid
        assert balance >= 0
        if order.currency == "EUR" and not order.test:
            balance += sum(line.gross for line in order.agreements[0].lines if line.kind == "gift_card")
    assert any(order.gift_card_paid for order in shop.orders)


def test_every_movement_of_the_processor_is_named_by_what_caused_it(shop: Shop) -> None:
    by_source = defaultdict(list)
    for txn in shop.balance_transactions:
        by_source[txn.source_id].append(txn)
    country = {order.order_id: order.country for order in shop.orders}
    for charge in shop.charges:
        (txn,) = by_source[charge.charge_id]
        assert (txn.kind, txn.amount, txn.order_id) == ("charge", charge.captured_settled, charge.order_id)
        assert txn.fee == processing_fee(txn.amount, country[charge.order_id] not in {"US", "GB", "CH"})
        assert charge.currency != "EUR" or charge.amount == charge.captured_settled
    for refund in shop.card_refunds:
        (txn,) = by_source[refund.refund_id]
        assert (txn.kind, txn.amount, txn.fee) == ("refund", -refund.settled, 0)
    for dispute in shop.disputes:
        rows = by_source[dispute.dispute_id]
        assert [row.fee for row in rows] == ([2000, 0] if dispute.won else [2000])
        assert (sum(row.amount for row in rows) == 0) == dispute.won
    ids = [txn.txn_id for txn in shop.balance_transactions]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("settled", "in_eea", "fee"), [(1000, True, 40), (100, True, 27), (1000, False, 54)])
def test_processing_fee_rounds_half_up(settled: int, in_eea: bool, fee: int) -> None:
    assert processing_fee(settled, in_eea) == fee


def test_a_payout_is_the_sum_of_what_it_carries(shop: Shop) -> None:
    carried: Counter[str] = Counter()
    own: Counter[str] = Counter()
    created = {payout.payout_id: payout.created_at for payout in shop.payouts}
    for txn in shop.balance_transactions:
        if txn.payout_id is None:
            continue
        if txn.kind == "payout":
            own[txn.payout_id] -= txn.net
        else:
            carried[txn.payout_id] += txn.net
            assert txn.available_at < created[txn.payout_id]
    assert carried == own == Counter({payout.payout_id: payout.amount for payout in shop.payouts})
    assert all(is_business_day(p.arrival_day) and p.amount > 0 for p in shop.payouts)


def test_bank_credits_are_the_payouts_but_for_one_lost_and_one_late(shop: Shop) -> None:
    bank = {txn.transaction_id: txn for txn in shop.bank_transactions}
    end = end_of(shop)
    clock = Clock(shop.time_zone, shop.first_day, shop.last_day)
    missing, very_late = [], []
    for payout in shop.payouts:
        if payout.bank_transaction_id is None:
            missing.append(payout)
            continue
        credit = bank[payout.bank_transaction_id]
        assert credit.amount == payout.amount
        assert credit.settled_at is not None
        assert payout.arrival_day <= clock.day_of(credit.settled_at) <= shop.last_day
        if clock.day_of(credit.settled_at) > business_day_after(payout.arrival_day, 2):
            very_late.append(payout)
    assert len(very_late) == 1
    lost = [payout for payout in missing if payout.arrival_day <= shop.last_day - timedelta(days=5)]
    assert len(lost) == 1
    assert lost[0].arrival_day > shop.last_day - timedelta(days=21)
    assert all(payout.created_at < end for payout in shop.payouts)


def test_both_accounts_stay_in_credit_and_own_transfers_cancel_out(shop: Shop) -> None:
    balance = {account.account_id: account.opening_balance for account in shop.bank_accounts}
    settled = [txn for txn in shop.bank_transactions if txn.status == "completed" and txn.settled_at]
    for txn in sorted(settled, key=lambda txn: (txn.settled_at, -txn.amount)):
        balance[txn.account_id] += txn.amount
        assert balance[txn.account_id] > 0, txn
    assert len(balance) == 2
    assert sum(txn.amount for txn in settled if txn.own_transfer) == 0
    assert {txn.status for txn in shop.bank_transactions} == {"completed", "pending", "declined"}
    assert all((txn.settled_at is not None) == (txn.status == "completed") for txn in shop.bank_transactions)


def test_nobody_gives_back_more_than_was_bought(shop: Shop) -> None:
    for order in shop.orders:
        left: Counter[int | None] = Counter()
        for agreement in order.agreements:
            restocked = Counter({r.line_item_id: r.quantity for r in agreement.restocks})
            returned: Counter[int | None] = Counter()
            for line in agreement.lines:
                left[line.line_item_id] += line.gross - line.discount
                if line.kind == "product" and line.quantity < 0:
                    returned[line.line_item_id] -= line.quantity
            if agreement.kind in ("refund", "cancel"):
                assert restocked == returned
        assert all(value >= 0 for key, value in left.items() if key is not None)
        assert sum(left.values()) >= 0


def test_tax_follows_the_country(shop: Shop) -> None:
    for order in shop.orders:
        for line in order.agreements[0].lines:
            vat = Decimal(0) if line.kind in ("gift_card", "tip") else order.vat_percent
            exact = (line.gross - line.discount) * vat / 100
            assert abs(line.tax - exact) <= Decimal("0.5")


@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25)])
def test_easter(day: date) -> None:
    assert easter_sunday(day.year) == day


def test_central_bank_rates_pause_on_weekends_and_holidays(shop: Shop) -> None:
    assert min(shop.rates) >= FIRST_DAY - timedelta(days=15)
    assert min(shop.rates) < FIRST_DAY
    assert max(shop.rates) == date(2026, 11, 20)
    christmas, new_year = (date(2025, 12, 25), date(2025, 12, 26)), date(2026, 1, 1)
    easter, labour_day = (date(2026, 4, 3), date(2026, 4, 6)), date(2026, 5, 1)
    for closed in (*christmas, new_year, *easter, labour_day, LAST_DAY):
        assert closed not in shop.rates
    for day, rates in shop.rates.items():
        assert day.weekday() < 5
        assert set(rates) == {"USD", "GBP", "CHF", "PLN", "JPY"}
        assert all(len(rate.partition(".")[2]) == 4 for rate in rates.values())
