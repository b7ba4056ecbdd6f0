"""Cash: balances, flows, payouts under way and the runway, added up by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ecom_pipeline.sandbox.events import BankAccount, BankTransaction, Payout

from .oracle_shop import TOTAL, SmallShop, balance, by_day, on_day, over_period, paris

FIRST = date(2026, 3, 2)


def booking(name: str, amount: int, settled: str | None, **changes: Any) -> BankTransaction:
    """A booking on the main account, settled at noon of an ISO day in Paris."""
    at = paris(f"{settled or '2026-03-02'} 12:00")
    plain: dict[str, Any] = {
        "transaction_id": name,
        "account_id": "main",
        "amount": amount,
        "currency": "EUR",
        "label": name,
        "reference": None,
        "category": "sales" if amount > 0 else "suppliers",
        "operation_type": "transfer",
        "emitted_at": at,
        "settled_at": at if settled else None,
        "status": "completed" if settled else "pending",
        "own_transfer": False,
    }
    return BankTransaction(**(plain | changes))


def payout(created: str, arrival: str, amount: int, credit: str | None) -> Payout:
    at = paris(f"{created} 08:00")
    return Payout("po_1", amount, "EUR", at, date.fromisoformat(arrival), at, credit)


def banked(first_day: date = FIRST) -> SmallShop:
    small = SmallShop(first_day)
    small.shop.bank_accounts = [
        BankAccount("main", "Main", "FR00", "EUR", 100_000),
        BankAccount("vat", "VAT", "FR01", "EUR", 5_000),
    ]
    return small


def test_balances_close_every_day_on_completed_bookings() -> None:
    small = banked()
    small.shop.bank_transactions = [
        booking("rent", -30_000, "2026-03-03"),
        booking("to vat", -2_000, "2026-03-04", own_transfer=True),
        booking("from main", 2_000, "2026-03-04", own_transfer=True, account_id="vat"),
        booking("pending", -50_000, None),
        booking("declined", -50_000, "2026-03-03", status="declined"),
        booking("today", -10_000, "2026-03-05"),
    ]
    oracle = small.oracle("2026-03-05 18:00")
    assert by_day(oracle, "cash_balance") == {"2026-03-02": 1050, "2026-03-03": 750, "2026-03-04": 750}
    assert by_day(oracle, "cash_balance", "account", "Main")["2026-03-04"] == 680
    assert by_day(oracle, "cash_balance", "account", "VAT")["2026-03-04"] == 70
    assert on_day(oracle, "net_cash_flow", "2026-03-03") == {TOTAL: -300, ("category", "suppliers"): -300}
    assert on_day(oracle, "net_cash_flow", "2026-03-04") == {}
    assert over_period(oracle, "cash_balance", "2026-03-02", "2026-03-03")[TOTAL] == 750


def test_money_is_in_transit_from_the_charge_to_the_bank_even_when_the_payout_is_late() -> None:
    small = banked()
    small.shop.balance_transactions = [
        balance("charge", 10_000, 200, paris("2026-03-02 10:00")),
        balance("charge", 5_000, 100, paris("2026-03-03 10:00")),
        balance("payout", -9_800, 0, paris("2026-03-04 08:00")),
    ]
    small.shop.payouts = [payout("2026-03-04", "2026-03-05", 9_800, "credit")]
    small.shop.bank_transactions = [booking("credit", 9_800, "2026-03-07")]
    oracle = small.oracle("2026-03-09 06:00")
    assert by_day(oracle, "cash_in_transit") == {
        "2026-03-02": 98,
        "2026-03-03": 147,
        "2026-03-04": 147,
        "2026-03-05": 147,
        "2026-03-06": 147,
        "2026-03-07": 49,
        "2026-03-08": 49,
    }


def test_the_gap_of_a_late_payout_closes_when_the_bank_has_booked_it() -> None:
    small = banked()
    small.shop.payouts = [
        payout("2026-03-03", "2026-03-05", 9_800, "late"),
        payout("2026-03-03", "2026-03-05", 500, None),
        payout("2026-03-04", "2026-03-06", 700, "short"),
        payout("2026-03-04", "2026-03-20", 900, None),
    ]
    small.shop.bank_transactions = [
        booking("late", 9_800, "2026-03-07"),
        booking("short", 650, "2026-03-06"),
    ]
    before, after = small.oracle("2026-03-07 18:00"), small.oracle("2026-03-08 06:00")
    assert on_day(before, "payout_gap", "2026-03-05") == {TOTAL: 103}
    assert by_day(after, "payout_gap") == {"2026-03-05": 5, "2026-03-06": Decimal("0.5")}


def test_a_declined_credit_matches_nothing() -> None:
    small = banked()
    small.shop.payouts = [payout("2026-03-03", "2026-03-04", 9_800, "declined")]
    small.shop.bank_transactions = [booking("declined", 9_800, "2026-03-04", status="declined")]
    oracle = small.oracle("2026-03-06 06:00")
    assert by_day(oracle, "payout_gap") == {"2026-03-04": 98}
    assert by_day(oracle, "cash_in_transit")["2026-03-05"] == 98


def test_the_runway_needs_ninety_days_and_an_outflow() -> None:
    small = banked(date(2026, 1, 1))
    small.shop.bank_transactions = [
        booking("supplier", -30_000, "2026-01-10"),
        booking("customer", 10_000, "2026-03-01"),
        booking("to vat", -20_000, "2026-03-02", own_transfer=True),
        booking("from main", 20_000, "2026-03-02", own_transfer=True, account_id="vat"),
    ]
    rows = by_day(small.oracle("2026-04-15 06:00"), "runway_months")
    # 31 + 28 + 31 days: the ninetieth is 31 March; cash is 1050 - 300 + 100
    assert list(rows) == ["2026-03-31", *(f"2026-04-{day:02}" for day in range(1, 10))]
    assert set(rows.values()) == {(2550, 200)}


def test_the_outflow_of_the_day_itself_shortens_the_runway() -> None:
    small = banked(date(2026, 1, 1))
    small.shop.bank_transactions = [booking("coffee", -50, "2026-04-02")]
    rows = by_day(small.oracle("2026-04-04 06:00"), "runway_months")
    assert rows == {day: (Decimal("3148.50"), Decimal("0.50")) for day in ("2026-04-02", "2026-04-03")}


def test_cash_in_another_currency_is_refused() -> None:
    small = banked()
    small.shop.bank_accounts.append(BankAccount("usd", "Dollars", "US00", "USD", 1))
    with pytest.raises(ValueError, match="USD"):
        small.oracle("2026-03-04 06:00").compute("cash_balance")


def test_a_shop_without_bank_has_no_balance() -> None:
    oracle = SmallShop(FIRST).oracle("2026-03-04 06:00")
    assert oracle.compute("cash_balance") == {}
    assert oracle.compute("cash_in_transit") == {}
    assert oracle.compute("runway_months") == {}
