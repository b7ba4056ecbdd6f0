"""What happened in the simulated shop: the vocabulary shared by generator, vendor APIs and oracle.

Everything the shop ever did is written down once, here, as immutable facts with the instant at
which each became known. The vendor APIs answer "as of" an instant by leaving out what had not
happened yet; the oracle computes the KPIs from the same facts. Money is integer minor units
(cents) of the currency named beside it; instants are timezone-aware UTC; days are local days of
the shop.
"""

from ecom_pipeline.sandbox.events.audience import (
    AdDay,
    AppDay,
    Consent,
    Message,
    SearchDay,
    SocialDay,
    TrafficDay,
    settled_share,
)
from ecom_pipeline.sandbox.events.commerce import (
    Agreement,
    AgreementKind,
    Checkout,
    Customer,
    Device,
    Fulfillment,
    LineKind,
    Order,
    Product,
    Restock,
    SaleLine,
    StockDay,
    Storefront,
    Visit,
)
from ecom_pipeline.sandbox.events.footprint import Activity, Contribution, Headcount, Parcel
from ecom_pipeline.sandbox.events.money import (
    BalanceTransaction,
    BankAccount,
    BankTransaction,
    CardRefund,
    Charge,
    Dispute,
    Influencer,
    LogisticsRate,
    MonthlyCost,
    Payout,
    ShopCosts,
)
from ecom_pipeline.sandbox.events.service import Rating, Review, SurveyAnswer, Ticket
from ecom_pipeline.sandbox.events.shop import (
    ATELIER,
    GROUP,
    MAIN_SHOP,
    ONE_SHOP,
    SHOP_US,
    Business,
    Incident,
    Shop,
)

__all__ = [
    "ATELIER",
    "GROUP",
    "MAIN_SHOP",
    "ONE_SHOP",
    "SHOP_US",
    "Activity",
    "AdDay",
    "Agreement",
    "AgreementKind",
    "AppDay",
    "BalanceTransaction",
    "BankAccount",
    "BankTransaction",
    "Business",
    "CardRefund",
    "Charge",
    "Checkout",
    "Consent",
    "Contribution",
    "Customer",
    "Device",
    "Dispute",
    "Fulfillment",
    "Headcount",
    "Incident",
    "Influencer",
    "LineKind",
    "LogisticsRate",
    "Message",
    "MonthlyCost",
    "Order",
    "Parcel",
    "Payout",
    "Product",
    "Rating",
    "Restock",
    "Review",
    "SaleLine",
    "SearchDay",
    "Shop",
    "ShopCosts",
    "SocialDay",
    "StockDay",
    "Storefront",
    "SurveyAnswer",
    "Ticket",
    "TrafficDay",
    "Visit",
    "settled_share",
]
