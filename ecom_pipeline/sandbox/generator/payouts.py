"""The processor's payouts on business days, and their credits at the bank: late now and then, lost twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from ecom_pipeline.sandbox.events import BalanceTransaction, Incident, Payout
from ecom_pipeline.sandbox.generator.clock import Clock, business_day_after, is_business_day
from ecom_pipeline.sandbox.generator.payments import PAYPAL, STRIPE, Terms
from ecom_pipeline.sandbox.generator.streams import VendorIds

_LEAST_HISTORY = 42


@dataclass(frozen=True)
class BankCredit:
    """What the bank must book for a payout."""

    payout_id: str
    amount: int
    day: date
    processor: str


class PayoutDesk:
    """Pays out what is available, every business day (PayPal: when somebody asks, on Mondays and Thursdays)."""

    def __init__(self, rng: Random, ids: VendorIds, clock: Clock, terms: Terms = STRIPE) -> None:
        self._terms = terms
        self._rng = rng
        self._ids = ids
        self._clock = clock
        self.payouts: list[Payout] = []
        self.balance_transactions: list[BalanceTransaction] = []
        self.incidents: list[Incident] = []

    def pay_out(self, movements: list[BalanceTransaction]) -> None:
        """Gather the movements into payouts; each movement learns which one carried it."""
        waiting = sorted(movements, key=lambda txn: (txn.available_at, txn.created_at, txn.txn_id))
        done = 0
        held: list[BalanceTransaction] = []
        for day in self._clock.days():
            if not is_business_day(day) or (self._terms is PAYPAL and day.weekday() not in (0, 3)):
                continue
            at = self._clock.moment(day, 6)
            until = done
            while until < len(waiting) and waiting[until].available_at < at:
                until += 1
            held += waiting[done:until]
            done = until
            amount = sum(txn.net for txn in held)
            if amount > 0:
                self._pay(day, amount, held)
                held = []
        self.balance_transactions += held + waiting[done:]
        self.balance_transactions.sort(key=lambda txn: (txn.created_at, txn.txn_id))

    def _pay(self, day: date, amount: int, carried: list[BalanceTransaction]) -> None:
        payout_id = self._ids.token("po_" + self._terms.mark)
        at = self._clock.moment(day, 6)
        # PayPal announces no arrival: all it tells is the day of the withdrawal.
        arrival_day = day if self._terms is PAYPAL else business_day_after(day, 1)
        self.payouts.append(
            Payout(
                payout_id=payout_id,
                amount=amount,
                currency="EUR",
                created_at=at,
                arrival_day=arrival_day,
                paid_at=self._clock.moment(arrival_day, 7),
                bank_transaction_id=None,
                processor=self._terms.name,
            )
        )
        self.balance_transactions += [replace(txn, payout_id=payout_id) for txn in carried]
        self.balance_transactions.append(
            BalanceTransaction(
                self._ids.token("txn_" + self._terms.mark),
                "payout",
                "payout",
                -amount,
                0,
                at,
                at,
                payout_id,
                None,
                payout_id,
                self._terms.name,
            )
        )

    def announce_credits(self) -> list[BankCredit]:
        """When each payout reaches the bank; two never come or come five days late in a long history."""
        first, last = self._clock.first_day, self._clock.last_day
        days = (last - first).days + 1
        late_one = lost_one = None
        if days >= _LEAST_HISTORY and self._terms is STRIPE:
            due = [payout for payout in self.payouts if payout.arrival_day <= last]
            late_one = next((p for p in due if p.arrival_day >= first + timedelta(days=days * 2 // 5)), None)
            lost_one = next((p for p in due if p.arrival_day >= last - timedelta(days=11)), None)
        credits = []
        for payout in self.payouts:
            day = business_day_after(payout.created_at.date(), 1)
            if payout is lost_one:
                what = "A payout announced by the processor never reached the bank"
                self.incidents.append(Incident("payout_lost", day, last, what))
                continue
            if payout is late_one:
                day = business_day_after(day + timedelta(days=5), 0)
                what = "A payout reached the bank five days late"
                self.incidents.append(Incident("payout_late", payout.arrival_day, day, what))
            elif self._rng.random() < 0.04:
                day = business_day_after(day, self._rng.randint(1, 2))
            if day <= last:
                credits.append(BankCredit(payout.payout_id, payout.amount, day, payout.processor))
        return credits
