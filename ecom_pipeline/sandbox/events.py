"""What happened in the simulated shop: the vocabulary shared by generator, vendor APIs and oracle.

Everything the shop ever did is written down once, here, as immutable facts with the instant at
which each became known. The vendor APIs answer "as of" an instant by leaving out what had not
happened yet; the oracle computes the KPIs from the same facts. Money is integer minor units
(cents) of the currency named beside it; instants are timezone-aware UTC; days are local days of
the shop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Device = Literal["desktop", "mobile", "tablet"]
LineKind = Literal["product", "gift_card", "shipping", "adjustment", "tip"]
AgreementKind = Literal["order", "edit", "refund", "cancel"]


@dataclass(frozen=True)
class Product:
    """One sellable variant. `unit_cost` is ten-thousandths of the shop currency's unit, or None."""

    product_id: int
    variant_id: int
    inventory_item_id: int
    title: str
    sku: str
    price: int  # cents, French VAT included, in the shop's currency
    vat_percent: Decimal
    unit_cost: int | None  # 1/10,000 of the shop's currency; None: nobody entered it
    created_at: datetime


@dataclass(frozen=True)
class Customer:
    customer_id: int
    email: str  # as first typed; orders may carry it in other case or with spaces
    country: str


@dataclass(frozen=True)
class Visit:
    """Where the buyer came from, as Shopify's customer journey tells it; empty means direct."""

    source: str | None = None  # utm_source
    medium: str | None = None  # utm_medium
    campaign: str | None = None  # utm_campaign
    referrer_url: str | None = None


@dataclass(frozen=True)
class SaleLine:
    """One line of an agreement. Every amount excludes tax unless named `tax`, and is signed:

    positive when the shop sells more, negative when it gives back.
    amount paid by the customer = gross - discount + tax.
    """

    kind: LineKind
    gross: int
    discount: int
    tax: int
    quantity: int = 0  # signed articles; 0 for shipping, adjustments and tips
    line_item_id: int | None = None  # of the order's line item, for product and gift card lines
    product: Product | None = None

    @property
    def paid(self) -> int:
        return self.gross - self.discount + self.tax


@dataclass(frozen=True)
class Restock:
    """Articles of a line item that came back with a refund or cancellation."""

    line_item_id: int
    quantity: int
    restocked: bool  # True: back on the shelf, so their cost is reversed


@dataclass(frozen=True)
class Agreement:
    """What shop and customer agreed at one instant: the sale itself, an edit, a refund, a cancellation."""

    agreement_id: int
    kind: AgreementKind
    at: datetime
    lines: tuple[SaleLine, ...]
    refund_id: int | None = None  # refunds and cancellations
    restocks: tuple[Restock, ...] = ()


@dataclass(frozen=True)
class Fulfillment:
    fulfillment_id: int
    shipped_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True)
class Order:
    """An order with everything that ever happened to it, each part bearing its own instant."""

    order_id: int
    name: str  # "#1001"
    created_at: datetime
    currency: str  # what the customer paid in
    shop_rate: Decimal  # the platform's own rate: shop currency per 1 unit of `currency`
    email: str | None  # as typed; None: a sale without any
    customer: Customer | None
    country: str  # ISO 3166-1 alpha-2, of the shipping address
    vat_percent: Decimal
    visit: Visit
    device: Device
    discount_code: str | None
    test: bool
    voided_at: datetime | None  # the authorisation was given up before any capture
    cancelled_at: datetime | None
    deleted_at: datetime | None  # from then on the platform knows nothing of it
    gift_card_paid: int  # part of the first agreement paid by gift card, in `currency`
    agreements: tuple[Agreement, ...]
    fulfillments: tuple[Fulfillment, ...] = ()


@dataclass(frozen=True)
class Checkout:
    """A checkout that was started and left; `completed_at` when the customer came back for it."""

    checkout_id: int
    created_at: datetime
    completed_at: datetime | None
    device: Device
    country: str
    currency: str
    total: int


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


@dataclass(frozen=True)
class Payout:
    payout_id: str
    amount: int  # settlement currency; positive: to the bank
    currency: str
    created_at: datetime
    arrival_day: date
    paid_at: datetime  # announced; later than the history's end for the last one or two
    bank_transaction_id: str | None  # the bank's credit, when one exists within the history


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
class AdDay:
    """One campaign on one day, as finally settled.

    Conversions arrive late: an API asked `n` days after the day shows `settled_share(n)` of
    `conversions` and `conversion_value_micros`; cost, clicks and impressions are final at once.
    """

    day: date
    campaign_id: int
    campaign_name: str
    channel_type: Literal["SEARCH", "PERFORMANCE_MAX", "SHOPPING", "DISPLAY", "VIDEO"]
    impressions: int
    clicks: int
    cost_micros: int
    conversions: Decimal  # two decimals
    conversion_value: Decimal  # two decimals, account currency
    top_impressions: int
    absolute_top_impressions: int


@dataclass(frozen=True)
class TrafficDay:
    """Web sessions of one day and segment, as finally settled."""

    day: date
    channel: str  # GA4 default channel group
    device: Device
    country: str
    sessions: int
    engaged_sessions: int
    engagement_seconds: int
    cart_sessions: int  # sessions with add_to_cart
    checkout_sessions: int  # sessions with begin_checkout
    purchase_sessions: int  # sessions with purchase


@dataclass(frozen=True)
class SearchDay:
    """Organic search results of one day and segment (Search Console's figures)."""

    day: date
    device: Device
    country: str
    clicks: int
    impressions: int
    position_sum: Decimal  # position x impressions, one decimal


@dataclass(frozen=True)
class Incident:
    """Something that went wrong (or well) and that a good report must find."""

    key: str
    first_day: date
    last_day: date
    what: str


@dataclass
class Shop:
    """The whole simulated business over its history; filled by the generator, read by everybody else."""

    seed: int
    name: str
    domain: str
    currency: str
    time_zone: str
    first_day: date
    last_day: date  # the last local day that is fully simulated
    products: list[Product] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    checkouts: list[Checkout] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    balance_transactions: list[BalanceTransaction] = field(default_factory=list)
    card_refunds: list[CardRefund] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    bank_accounts: list[BankAccount] = field(default_factory=list)
    bank_transactions: list[BankTransaction] = field(default_factory=list)
    ads: list[AdDay] = field(default_factory=list)
    traffic: list[TrafficDay] = field(default_factory=list)
    search: list[SearchDay] = field(default_factory=list)
    rates: dict[date, dict[str, str]] = field(default_factory=dict)  # ECB: 1 EUR = x, business days only
    incidents: list[Incident] = field(default_factory=list)


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
class ShopCosts:
    """What the shop's owner writes into `ecom.toml`, in the sandbox's own words."""

    fixed: tuple[MonthlyCost, ...]
    marketing: tuple[MonthlyCost, ...]
    logistics: tuple[LogisticsRate, ...]


def settled_share(days_after: int) -> Decimal:
    """Share of a day's ad conversions that the platform shows `days_after` days later (final from 7 on)."""
    return Decimal(min(70 + 5 * max(days_after - 1, 0), 100)) / 100
