"""The whole simulated business over its history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ecom_pipeline.sandbox.events.audience import (
    AdDay,
    AppDay,
    Consent,
    Message,
    SearchDay,
    SocialDay,
    TrafficDay,
)
from ecom_pipeline.sandbox.events.commerce import Checkout, Customer, Order, Product, StockDay, Storefront
from ecom_pipeline.sandbox.events.footprint import Activity, Contribution, Headcount, Parcel
from ecom_pipeline.sandbox.events.money import (
    BalanceTransaction,
    BankAccount,
    BankTransaction,
    CardRefund,
    Charge,
    Dispute,
    Payout,
)
from ecom_pipeline.sandbox.events.service import Rating, Review, SurveyAnswer, Ticket


@dataclass(frozen=True)
class Incident:
    """Something that went wrong (or well) and that a good report must find."""

    key: str
    first_day: date
    last_day: date
    what: str


@dataclass(frozen=True)
class Business:
    """Which tools the business runs: what is generated, and what is configured to be read.

    `sources` are the names of the sources in `ecom.toml`; None stands for every one the sandbox has.
    """

    storefronts: tuple[Storefront, ...]
    processors: tuple[str, ...] = ("stripe",)
    ad_platforms: tuple[str, ...] = ("google_ads",)
    pays_influencers: bool = False
    sources: tuple[str, ...] | None = None

    def reads(self, source: str) -> bool:
        return self.sources is None or source in self.sources


MAIN_SHOP = Storefront("shop", "shopify", "maison-lumen.myshopify.com", "EUR", "Europe/Paris")
ATELIER = Storefront("atelier", "woocommerce", "atelier.maison-lumen.example", "EUR", "Europe/Paris")
BOUTIQUE = Storefront("boutique", "prestashop", "boutique.maison-lumen.example", "EUR", "Europe/Paris")
SHOP_US = Storefront("shop_us", "shopify", "maison-lumen-us.myshopify.com", "USD", "America/New_York")

ONE_SHOP = Business(
    storefronts=(MAIN_SHOP,),
    sources=("shop", "stripe", "analytics", "ads", "bank", "rates", "search"),
)
"""A young shop with the few tools every shop has."""

GROUP = Business(
    storefronts=(MAIN_SHOP, ATELIER, SHOP_US),
    processors=("stripe", "paypal"),
    ad_platforms=("google_ads", "meta", "tiktok"),
    pays_influencers=True,
)
"""Three shops of two kinds, selling to the same people, with every tool the product reads."""

PAIR = Business(storefronts=(MAIN_SHOP, BOUTIQUE), sources=("shop", "boutique", "rates"))
"""A shop at Shopify and one on PrestaShop, selling to the same people."""


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
    business: Business = ONE_SHOP
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
    stock: list[StockDay] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    social: list[SocialDay] = field(default_factory=list)
    apps: list[AppDay] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    survey_answers: list[SurveyAnswer] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    headcounts: list[Headcount] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
