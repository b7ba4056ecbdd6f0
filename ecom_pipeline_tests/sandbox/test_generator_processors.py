"""Two processors side by side in the simulated group: each its own buyers, fees, payouts and credits at the bank."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from ecom_pipeline.sandbox.events import GROUP, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.generator.clock import is_business_day
from ecom_pipeline.sandbox.generator.payments import processing_fee, wallet_fee
from ecom_pipeline.sandbox.generator.places import PLACE_BY_COUNTRY
from ecom_pipeline_tests.sandbox.generated import assert_money_balances

FEES = {"stripe": processing_fee, "paypal": wallet_fee}
PAYERS = {"stripe": "STRIPE", "paypal": "PAYPAL"}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop(11, date(2026, 1, 1), date(2026, 4, 30), 30.0, GROUP)


def test_all_that_is_agreed_is_paid_by_one_or_the_other(shop: Shop) -> None:
    assert_money_balances(shop)
    payers: dict[int, set[str]] = {}
    for charge in shop.charges:
        payers.setdefault(charge.order_id, set()).add(charge.processor)
    assert all(len(one) == 1 for one in payers.values()), "an order is paid at one place"
    by_paypal = sum(one == {"paypal"} for one in payers.values()) / len(payers)
    assert 0.2 < by_paypal < 0.3


def test_what_follows_a_charge_stays_with_its_processor(shop: Shop) -> None:
    processor = {charge.charge_id: charge.processor for charge in shop.charges}
    followed = [(one.charge_id, one.processor) for one in shop.card_refunds]
    followed += [(one.charge_id, one.processor) for one in shop.disputes]
    assert all(processor[charge_id] == name for charge_id, name in followed)
    assert {one.processor for one in shop.disputes} == {"stripe", "paypal"}
    ids = [one.txn_id for one in shop.balance_transactions]
    assert len(set(ids)) == len(ids)


def test_each_takes_its_own_fee(shop: Shop) -> None:
    country = {order.order_id: order.country for order in shop.orders}
    charged = [one for one in shop.balance_transactions if one.kind == "charge"]
    for one in charged:
        assert one.order_id is not None
        assert one.fee == FEES[one.processor](one.amount, PLACE_BY_COUNTRY[country[one.order_id]].in_eea)
    assert {one.processor for one in charged} == set(FEES)
    assert {one.processor for one in shop.balance_transactions if one.kind == "stripe_fee"} == {"stripe"}


@pytest.mark.parametrize(
    ("settled", "in_eea", "fee"), [(1000, True, 64), (1050, True, 65), (1000, False, 84)]
)
def test_the_wallets_fee_rounds_half_up(settled: int, in_eea: bool, fee: int) -> None:
    assert wallet_fee(settled, in_eea) == fee


def test_payouts_carry_only_their_own_processors_money(shop: Shop) -> None:
    processor = {payout.payout_id: payout.processor for payout in shop.payouts}
    carried: Counter[str] = Counter()
    for one in shop.balance_transactions:
        if one.payout_id is not None:
            assert one.processor == processor[one.payout_id]
            carried[one.payout_id] += one.net if one.kind != "payout" else 0
    assert carried == Counter({payout.payout_id: payout.amount for payout in shop.payouts})
    withdrawals = [payout for payout in shop.payouts if payout.processor == "paypal"]
    assert len(withdrawals) > 20 and all(is_business_day(one.created_at.date()) for one in withdrawals)


def test_the_bank_names_who_paid(shop: Shop) -> None:
    bank = {one.transaction_id: one for one in shop.bank_transactions}
    for payout in shop.payouts:
        if payout.bank_transaction_id is not None:
            credit = bank[payout.bank_transaction_id]
            assert credit.amount == payout.amount and credit.label.startswith(PAYERS[payout.processor])
    credited = Counter(one.processor for one in shop.payouts if one.bank_transaction_id is not None)
    assert min(credited.values()) > 20
