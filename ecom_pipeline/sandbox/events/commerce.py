"""The shop: its storefronts, what it sells, and every order with all that ever happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Device = Literal["desktop", "mobile", "tablet"]
LineKind = Literal["product", "gift_card", "shipping", "adjustment", "tip"]
AgreementKind = Literal["order", "edit", "refund", "cancel"]


@dataclass(frozen=True)
class Storefront:
    """One shop the business runs; `key` is the name of its source in `ecom.toml`."""

    key: str
    platform: Literal["shopify", "woocommerce", "prestashop"]
    domain: str
    currency: str
    time_zone: str


@dataclass(frozen=True)
class StockDay:
    """How many articles of a variant lay on the shelf at a local day's end; below zero when oversold."""

    day: date
    product: Product
    on_hand: int
    received: int  # delivered by suppliers on the day
    active: bool


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
    storefront: str = "shop"


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
    storefront: str = "shop"


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
    storefront: str = "shop"
