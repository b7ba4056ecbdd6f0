"""The money: processors, their payouts, and the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True)
class BalanceTransaction:
    """One movement of the processor's balance, in the settlement currency (the shop's).

    `kind` is Stripe's `type`: charge, refund, payout, adjustment (disputes), stripe_fee.
    net = amount - fee.
    """

    txn_id: str
    kind: Literal["charge", "refund", "payout", "adjustment", "stripe_fee"]
    reporting_category: str
    amount: int
    fee: int
    created_at: datetime
    available_at: datetime
    source_id: str  # ch_…, re_…, po_…, dp_…; empty for the processor's own monthly fee
    order_id: int | None
    payout_id: str | None = None  # the payout that carried it to the bank (a payout's own row names itself)
    processor: str = "stripe"

    @property
    def net(self) -> int:
        return self.amount - self.fee


@dataclass(frozen=True)
class Charge:
    charge_id: str
    order_id: int
    amount: int  # minor units of `currency`
    currency: str
    created_at: datetime
    captured: bool
    captured_settled: int  # captured amount in the settlement currency, as on its balance transaction
    processor: str = "stripe"


@dataclass(frozen=True)
class CardRefund:
    """Money given back on a charge: of a return, a goodwill gesture, a cancellation or a removed article."""

    refund_id: str  # re_…
    charge_id: str
    order_id: int
    agreement_id: int  # the agreement that caused it
    amount: int  # positive minor units of `currency`
    currency: str
    created_at: datetime
    settled: int  # positive, in the settlement currency, as on its balance transaction
    processor: str = "stripe"


@dataclass(frozen=True)
class Dispute:
    dispute_id: str
    charge_id: str
    amount: int
    currency: str
    created_at: datetime
    reason: str
    closed_at: datetime | None
    won: bool
    processor: str = "stripe"


@dataclass(frozen=True)
class Payout:
    payout_id: str
    amount: int  # settlement currency; positive: to the bank
    currency: str
    created_at: datetime
    arrival_day: date
    paid_at: datetime  # announced; later than the history's end for the last one or two
    bank_transaction_id: str | None  # the bank's credit, when one exists within the history
    processor: str = "stripe"


@dataclass(frozen=True)
class BankAccount:
    account_id: str
    name: str
    iban: str
    currency: str
    opening_balance: int  # booked, at the start of the history


@dataclass(frozen=True)
class BankTransaction:
    transaction_id: str
    account_id: str
    amount: int  # signed cents: positive is money in
    currency: str
    label: str
    reference: str | None
    category: str
    operation_type: str
    emitted_at: datetime
    settled_at: datetime | None  # None: pending or declined
    status: Literal["pending", "completed", "declined"]
    own_transfer: bool  # between two accounts of the shop


@dataclass(frozen=True)
class MonthlyCost:
    """A cost no API knows. `channel` is None for fixed costs and for marketing not tied to a channel."""

    name: str
    amount: int  # cents per calendar month, prorated by day (see the oracle)
    first_day: date
    last_day: date | None = None
    channel: str | None = None


@dataclass(frozen=True)
class LogisticsRate:
    """What shipping an order costs, in cents. Country "*" is any country not listed."""

    country: str
    shipping: int
    fulfilment: int
    packaging: int
    return_freight: int


@dataclass(frozen=True)
class Influencer:
    """Somebody paid to speak of the shop, known by a discount code and a campaign tag in her links."""

    name: str
    code: str
    utm_campaign: str
    monthly_fee: int  # cents, excluding VAT, prorated by day
    commission_percent: int  # of the net sales she brings
    first_day: date
    last_day: date | None = None  # of the agreement: orders placed later are not hers


@dataclass(frozen=True)
class ShopCosts:
    """What the shop's owner writes into `ecom.toml`, in the sandbox's own words."""

    fixed: tuple[MonthlyCost, ...]
    marketing: tuple[MonthlyCost, ...]
    logistics: tuple[LogisticsRate, ...]
    influencers: tuple[Influencer, ...] = ()
