"""Stripe's objects as of an instant, written from the shop's events.

Amounts are minor units of the currency beside them: charges, refunds and disputes in what the
customer paid, balance transactions and payouts in the settlement currency. Instants are unix
seconds. Everything about a person bears the personal canary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from ecom_pipeline.sandbox.events import BalanceTransaction, CardRefund, Charge, Dispute, Order, Payout, Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, digest

Json = dict[str, Any]
RESPONSE_TIME = timedelta(days=9)


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


class Processed(Protocol):
    """What one of the shop's processors booked."""

    @property
    def processor(self) -> str: ...


P = TypeVar("P", bound=Processed)


def of_stripe(booked: Iterable[P]) -> list[P]:
    """What went over Stripe; other processors' business is none of Stripe's."""
    return [one for one in booked if one.processor == "stripe"]


class StripeObjects:
    """The shop's payments, cross-referenced as Stripe shows them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.orders: dict[int, Order] = {order.order_id: order for order in shop.orders}
        self.charges = {charge.charge_id: charge for charge in of_stripe(shop.charges)}
        self.transactions_of: dict[str, list[BalanceTransaction]] = defaultdict(list)
        for transaction in sorted(
            of_stripe(shop.balance_transactions), key=lambda t: (t.created_at, t.txn_id)
        ):
            self.transactions_of[transaction.source_id].append(transaction)
        self.disputed = {dispute.charge_id: dispute for dispute in of_stripe(shop.disputes)}
        self.disputes = {dispute.dispute_id: dispute for dispute in of_stripe(shop.disputes)}
        self.payouts = {payout.payout_id: payout for payout in of_stripe(shop.payouts)}
        self.refunds = {refund.refund_id: refund for refund in of_stripe(shop.card_refunds)}
        self.refunds_of: dict[str, list[CardRefund]] = defaultdict(list)
        for refund in of_stripe(shop.card_refunds):
            self.refunds_of[refund.charge_id].append(refund)

    def balance_transaction(self, transaction: BalanceTransaction, now: datetime) -> Json:
        currency = self.shop.currency.lower()
        fee_details = [
            {
                "amount": transaction.fee,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        return {
            "id": transaction.txn_id,
            "object": "balance_transaction",
            "amount": transaction.amount,
            "available_on": seconds(transaction.available_at),
            "created": seconds(transaction.created_at),
            "currency": currency,
            "description": None,
            "exchange_rate": self._exchange_rate(transaction),
            "fee": transaction.fee,
            "fee_details": fee_details if transaction.fee else [],
            "net": transaction.net,
            "reporting_category": transaction.reporting_category,
            "source": transaction.source_id or None,
            "status": "available" if transaction.available_at <= now else "pending",
            "type": transaction.kind,
        }

    def _exchange_rate(self, transaction: BalanceTransaction) -> float | None:
        """What one unit paid became in the settlement currency; None when they are the same."""
        charge, refund = self.charges.get(transaction.source_id), self.refunds.get(transaction.source_id)
        dispute = self.disputes.get(transaction.source_id)
        converted = charge or refund or dispute
        if converted is None or converted.currency == self.shop.currency or not converted.amount:
            return None
        return float(round(Decimal(abs(transaction.amount)) / converted.amount, 6))

    def charge(self, charge: Charge, now: datetime) -> Json:
        order = self.orders.get(charge.order_id)
        void = bool(order and order.voided_at and order.voided_at <= now and not charge.captured)
        refunded = sum(r.amount for r in self.refunds_of[charge.charge_id] if r.created_at <= now)
        dispute = self.disputed.get(charge.charge_id)
        name = order.name if order else ""
        return {
            "id": charge.charge_id,
            "object": "charge",
            "amount": charge.amount,
            "amount_captured": charge.amount if charge.captured else 0,
            "amount_refunded": charge.amount if void else refunded,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": self._transaction_id(charge.charge_id, now),
            "billing_details": billing_details(order),
            "calculated_statement_descriptor": self.shop.name.upper()[:22],
            "captured": charge.captured,
            "created": seconds(charge.created_at),
            "currency": charge.currency.lower(),
            "customer": None,
            "description": f"{self.shop.name} {name}",
            "disputed": dispute is not None and dispute.created_at <= now,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "livemode": False,
            "metadata": {"order_id": str(charge.order_id), "order_name": name},
            "on_behalf_of": None,
            "outcome": {
                "network_status": "approved_by_network",
                "reason": None,
                "risk_level": "normal",
                "risk_score": 12,
                "seller_message": "Payment complete.",
                "type": "authorized",
            },
            "paid": True,
            "payment_intent": payment_intent(charge.charge_id),
            "payment_method": "pm_" + charge.charge_id.removeprefix("ch_"),
            "payment_method_details": card_details(self.shop.seed, charge, order),
            "receipt_email": f"{PERSONAL_CANARY}+{charge.order_id}@example.org",
            "receipt_number": None,
            "receipt_url": None,
            "refunded": void or (refunded >= charge.amount > 0),
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "succeeded",
            "transfer_data": None,
            "transfer_group": None,
        }

    def _transaction_id(self, source_id: str, now: datetime) -> str | None:
        known = [t.txn_id for t in self.transactions_of[source_id] if t.created_at <= now]
        return known[0] if known else None

    def refund(self, refund: CardRefund, now: datetime) -> Json:
        return {
            "id": refund.refund_id,
            "object": "refund",
            "amount": refund.amount,
            "balance_transaction": self._transaction_id(refund.refund_id, now),
            "charge": refund.charge_id,
            "created": seconds(refund.created_at),
            "currency": refund.currency.lower(),
            "metadata": {"order_id": str(refund.order_id)},
            "payment_intent": payment_intent(refund.charge_id),
            "reason": "requested_by_customer",
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }

    def payout(self, payout: Payout, now: datetime) -> Json:
        return {
            "id": payout.payout_id,
            "object": "payout",
            "amount": payout.amount,
            "arrival_date": seconds(datetime.combine(payout.arrival_day, time(0), UTC)),
            "automatic": True,
            "balance_transaction": self._transaction_id(payout.payout_id, now),
            "created": seconds(payout.created_at),
            "currency": payout.currency.lower(),
            "description": "STRIPE PAYOUT",
            "destination": "ba_" + digest(self.shop.seed, "payout bank account")[:24],
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": {},
            "method": "standard",
            "original_payout": None,
            "reconciliation_status": "completed" if payout.paid_at <= now else "in_progress",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": payout_status(payout, now),
            "type": "bank_account",
        }

    def payout_made(self, payout_id: str, now: datetime) -> bool:
        payout = self.payouts.get(payout_id)
        return payout is not None and payout.created_at <= now

    def dispute(self, dispute: Dispute, now: datetime) -> Json:
        due_at = dispute.created_at + RESPONSE_TIME
        transactions = [t for t in self.transactions_of[dispute.dispute_id] if t.created_at <= now]
        status = dispute_status(dispute, now)
        return {
            "id": dispute.dispute_id,
            "object": "dispute",
            "amount": dispute.amount,
            "balance_transactions": [self.balance_transaction(t, now) for t in transactions],
            "charge": dispute.charge_id,
            "created": seconds(dispute.created_at),
            "currency": dispute.currency.lower(),
            "evidence": {
                "customer_email_address": f"{PERSONAL_CANARY}@example.org",
                "customer_name": f"{PERSONAL_CANARY} Jeanne Martin",
            },
            "evidence_details": {
                "due_by": seconds(due_at),
                "has_evidence": status == "won",
                "past_due": status == "needs_response" and due_at < now,
                "submission_count": int(status == "won"),
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": payment_intent(dispute.charge_id),
            "payment_method_details": {
                "card": {"brand": "visa", "network_reason_code": "10.4"},
                "type": "card",
            },
            "reason": dispute.reason,
            "status": status,
        }


def payment_intent(charge_id: str) -> str:
    return "pi_" + charge_id.removeprefix("ch_")


def payout_status(payout: Payout, now: datetime) -> str:
    if payout.paid_at <= now:
        return "paid"
    return "pending" if payout.created_at.date() == now.date() else "in_transit"


def dispute_status(dispute: Dispute, now: datetime) -> str:
    if dispute.closed_at is None or dispute.closed_at > now:
        return "needs_response"
    return "won" if dispute.won else "lost"


def billing_details(order: Order | None) -> Json:
    """Who paid: personal data that clients must not keep."""
    return {
        "address": {
            "city": "Lyon",
            "country": order.country if order else "FR",
            "line1": f"1 rue {PERSONAL_CANARY}",
            "line2": None,
            "postal_code": "69001",
            "state": None,
        },
        "email": f"{PERSONAL_CANARY}+{order.order_id if order else 0}@example.org",
        "name": f"{PERSONAL_CANARY} Jeanne Martin",
        "phone": "+33600000000",
    }


def card_details(seed: int, charge: Charge, order: Order | None) -> Json:
    """The card a charge was paid with."""
    return {
        "card": {
            "brand": "visa",
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": order.country if order else "FR",
            "exp_month": 8,
            "exp_year": 2030,
            "fingerprint": digest(seed, "card", charge.charge_id)[:16],
            "funding": "credit",
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "network": "visa",
            "network_token": {"used": False},
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    }
