"""The processors' side: charges, refunds, disputes and fees, each with its balance transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from ecom_pipeline.sandbox.events import BalanceTransaction, CardRefund, Charge, Dispute, Order
from ecom_pipeline.sandbox.generator.clock import Clock, business_day_after
from ecom_pipeline.sandbox.generator.draft import CardMovement
from ecom_pipeline.sandbox.generator.exchange import Exchange
from ecom_pipeline.sandbox.generator.places import PLACE_BY_COUNTRY
from ecom_pipeline.sandbox.generator.streams import VendorIds

_DISPUTE_FEE = 2000
_MONTHLY_FEE = 1500
_FEE_PER_CHARGE = 2
_REASONS = ("fraudulent", "product_not_received", "product_unacceptable", "unrecognized")


def processing_fee(settled: int, in_eea: bool) -> int:
    """Cents the processor keeps of a charge: 1.5 % + 25 in the EEA, 2.9 % + 25 elsewhere, half up."""
    per_mille = 15 if in_eea else 29
    return (settled * per_mille + 500) // 1000 + 25


def wallet_fee(settled: int, in_eea: bool) -> int:
    """Cents PayPal keeps: 2.9 % + 35 in the EEA, 4.9 % + 35 elsewhere, half up."""
    per_mille = 29 if in_eea else 49
    return (settled * per_mille + 500) // 1000 + 35


@dataclass(frozen=True)
class Terms:
    """How a processor charges and pays. `waits` are the business days before money is available."""

    name: str
    fee: Callable[[int, bool], int]
    waits: int
    mark: str  # between an id's prefix and its number, so that no two processors meet


STRIPE = Terms("stripe", processing_fee, 2, "")
PAYPAL = Terms("paypal", wallet_fee, 0, "PP")


@dataclass
class Processor:
    """Books the movements of one processor in the order they are told."""

    rng: Random
    ids: VendorIds
    clock: Clock
    exchange: Exchange
    terms: Terms = STRIPE
    charges: list[Charge] = field(default_factory=list)
    card_refunds: list[CardRefund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    balance_transactions: list[BalanceTransaction] = field(default_factory=list)

    def book_order(self, order: Order, movements: list[CardMovement], disputed: bool) -> None:
        """All movements of one order: what is paid opens a charge, what is given back refunds the first."""
        first: Charge | None = None
        for movement in movements:
            if movement.amount > 0:
                charge = self._charge(order, movement)
                first = first or charge
            elif first is not None:
                self._refund(order, first, movement)
        if disputed and first is not None:
            self._dispute(order, first)

    def book_monthly_fees(self) -> None:
        """The processor's own invoice, taken from the balance on the first of each month."""
        day = self.clock.first_day.replace(day=1)
        while day <= self.clock.last_day:
            at = self.clock.moment(day, 3)
            if at >= self.clock.start:
                month_ago = at - timedelta(days=28)
                charges = sum(1 for charge in self.charges if month_ago <= charge.created_at < at)
                self._book(
                    "stripe_fee", "fee", -(_MONTHLY_FEE + _FEE_PER_CHARGE * charges), 0, at, "", None, 0
                )
            day = (day + timedelta(days=32)).replace(day=1)

    def _charge(self, order: Order, movement: CardMovement) -> Charge:
        at = movement.at + timedelta(seconds=2)
        at = min(at, self.clock.end - timedelta(seconds=1))
        settled = self.exchange.settle(movement.amount, order.currency, self._day(order, at))
        charge = Charge(
            charge_id=self._id("ch_"),
            order_id=order.order_id,
            amount=movement.amount,
            currency=order.currency,
            created_at=at,
            captured=True,
            captured_settled=settled,
            processor=self.terms.name,
        )
        self.charges.append(charge)
        fee = self.terms.fee(settled, PLACE_BY_COUNTRY[order.country].in_eea)
        self._book("charge", "charge", settled, fee, at, charge.charge_id, order.order_id, self.terms.waits)
        return charge

    def _refund(self, order: Order, charge: Charge, movement: CardMovement) -> None:
        settled = self.exchange.settle(-movement.amount, order.currency, self._day(order, movement.at))
        refund = CardRefund(
            refund_id=self._id("re_"),
            charge_id=charge.charge_id,
            order_id=order.order_id,
            agreement_id=movement.agreement_id,
            amount=-movement.amount,
            currency=order.currency,
            created_at=movement.at,
            settled=settled,
            processor=self.terms.name,
        )
        self.card_refunds.append(refund)
        self._book("refund", "refund", -settled, 0, movement.at, refund.refund_id, order.order_id, 0)

    def _dispute(self, order: Order, charge: Charge) -> None:
        at = charge.created_at + timedelta(days=self.rng.randint(6, 40), hours=self.rng.randint(0, 9))
        if at >= self.clock.end:
            return
        won = self.rng.random() < 0.5
        closed = at + timedelta(days=self.rng.randint(12, 45))
        closed_at = closed if closed < self.clock.end else None
        dispute = Dispute(
            dispute_id=self._id("dp_"),
            charge_id=charge.charge_id,
            amount=charge.amount,
            currency=charge.currency,
            created_at=at,
            reason=self.rng.choice(_REASONS),
            closed_at=closed_at,
            won=won and closed_at is not None,
            processor=self.terms.name,
        )
        self.disputes.append(dispute)
        settled = charge.captured_settled
        self._book("adjustment", "dispute", -settled, _DISPUTE_FEE, at, dispute.dispute_id, order.order_id, 0)
        if dispute.won and closed_at is not None:
            self._book(
                "adjustment", "dispute_reversal", settled, 0, closed_at, dispute.dispute_id, order.order_id, 0
            )

    def _book(
        self,
        kind: Literal["charge", "refund", "adjustment", "stripe_fee"],
        category: str,
        amount: int,
        fee: int,
        at: datetime,
        source_id: str,
        order_id: int | None,
        business_days: int,
    ) -> None:
        available_at = at
        if business_days:
            available_at = self.clock.midnight(business_day_after(self.clock.day_of(at), business_days))
        self.balance_transactions.append(
            BalanceTransaction(
                txn_id=self._id("txn_"),
                kind=kind,
                reporting_category=category,
                amount=amount,
                fee=fee,
                created_at=at,
                available_at=available_at,
                source_id=source_id,
                order_id=order_id,
                processor=self.terms.name,
            )
        )

    def _id(self, prefix: str) -> str:
        return self.ids.token(prefix + self.terms.mark)

    def _day(self, order: Order, at: datetime) -> date:
        # Only foreign money needs a rate; asking the calendar for every euro would cost seconds.
        return self.clock.first_day if order.currency == "EUR" else self.clock.day_of(at)
