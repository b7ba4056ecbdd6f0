"""Bank and processor: what was booked, what is on its way, and what never came."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ecom_pipeline.sandbox.events import BankTransaction, Shop
from ecom_pipeline.sandbox.oracle.exchange import cents
from ecom_pipeline.sandbox.oracle.figures import ZERO, Fact
from ecom_pipeline.sandbox.oracle.known import Knowledge


class Booking(NamedTuple):
    """A completed bank transaction, on the local day it was settled."""

    day: date
    account: str  # the account's name
    amount: Decimal


class Transit(NamedTuple):
    """A payout on its way: from the day it left the processor to the day before the bank booked it."""

    left_day: date
    booked_day: date | None
    amount: Decimal


class Treasury:
    """Bank and processor as known at one instant; ValueError when either is not in the shop's currency."""

    def __init__(self, shop: Shop, knowledge: Knowledge) -> None:
        held = {account.currency for account in shop.bank_accounts}
        held |= {one.currency for one in shop.bank_transactions} | {one.currency for one in shop.payouts}
        if held - {shop.currency}:
            raise ValueError(f"cash is defined in {shop.currency} only, not in {sorted(held)}")
        self.opening: defaultdict[str, Decimal] = defaultdict(Decimal)
        for account in shop.bank_accounts:
            self.opening[account.name] += cents(account.opening_balance)
        booked = [(_settled_day(one, knowledge), one) for one in shop.bank_transactions]
        credits = {one.transaction_id: (day, cents(one.amount)) for day, one in booked if day is not None}
        names = {account.account_id: account.name for account in shop.bank_accounts}
        self.bookings = [
            Booking(day, names[one.account_id], cents(one.amount)) for day, one in booked if day is not None
        ]
        self.flows = [
            Fact(day, {"category": one.category}, cents(one.amount))
            for day, one in booked
            if day is not None and not one.own_transfer
        ]
        self.movements = [
            (knowledge.local_day(one.created_at), cents(one.net))
            for one in shop.balance_transactions
            if knowledge.happened(one.created_at)
        ]
        self.transits: list[Transit] = []
        self.gaps: list[Fact] = []
        for payout in shop.payouts:
            if knowledge.happened(payout.created_at):
                booked_day, credit = credits.get(payout.bank_transaction_id or "", (None, ZERO))
                amount = cents(payout.amount)
                self.transits.append(Transit(knowledge.local_day(payout.created_at), booked_day, amount))
                self.gaps.append(Fact(payout.arrival_day, {}, amount - credit))


def _settled_day(one: BankTransaction, knowledge: Knowledge) -> date | None:
    """The local day of a completed booking, None when there is none up to the as-of day."""
    if one.status != "completed" or one.settled_at is None:
        return None
    day = knowledge.local_day(one.settled_at)
    return day if day <= knowledge.as_of_day else None
