"""The generator of the simulated shop: a young French shop for the home, made from a seed.

Orders come first; every other system (processor, bank, analytics, ads) is derived from them and
keeps its own view, with the differences real systems have: refused consent, late credits, fees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from ecom_pipeline.sandbox.events import ONE_SHOP, Business, Shop
from ecom_pipeline.sandbox.generator import (
    apps,
    footprint,
    fulfilment,
    inventory,
    messaging,
    networks,
    opinions,
    service,
)
from ecom_pipeline.sandbox.generator.advertising import advertise
from ecom_pipeline.sandbox.generator.bank import Bank
from ecom_pipeline.sandbox.generator.catalogue import Catalogue
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.exchange import Exchange, walk_rates
from ecom_pipeline.sandbox.generator.incidents import Troubles
from ecom_pipeline.sandbox.generator.influence import praise
from ecom_pipeline.sandbox.generator.orders import OrderBook, Sales
from ecom_pipeline.sandbox.generator.paid_social import advertise_socially, tag_orders
from ecom_pipeline.sandbox.generator.payments import PAYPAL, STRIPE, Processor, Terms
from ecom_pipeline.sandbox.generator.payouts import PayoutDesk
from ecom_pipeline.sandbox.generator.storefronts import Storefronts
from ecom_pipeline.sandbox.generator.streams import VendorIds, stream
from ecom_pipeline.sandbox.generator.website import Website

__all__ = ["DOMAIN", "NAME", "TIME_ZONE", "generate_shop"]

STORIES: tuple[Callable[[Shop, Clock], None], ...] = (
    fulfilment.tell,
    inventory.tell,
    messaging.tell,
    networks.tell,
    apps.tell,
    service.tell,
    opinions.tell,
    footprint.tell,
)
"""What surrounds the orders, told one after the other; each adds its own facts and draws from its own stream."""

NAME = "Maison Lumen"
DOMAIN = "maison-lumen.myshopify.com"
TIME_ZONE = "Europe/Paris"
_BY_WALLET = 0.25


def generate_shop(
    seed: int,
    first_day: date,
    last_day: date,
    orders_per_day: float = 100.0,
    business: Business = ONE_SHOP,
) -> Shop:
    """The whole history of one shop, the same for the same arguments on any machine.

    Nothing happens after the end of `last_day`; what is under way by then stays open (no delivery,
    no bank credit, a pending bank movement). The last payouts merely announce when they will arrive.
    """
    if last_day < first_day:
        raise ValueError(f"a history must not end ({last_day}) before it begins ({first_day})")
    clock = Clock(TIME_ZONE, first_day, last_day)
    ids = VendorIds(seed)
    troubles = Troubles(first_day, last_day)
    shop = Shop(seed, NAME, DOMAIN, "EUR", TIME_ZONE, first_day, last_day, business)
    shop.rates = walk_rates(stream(seed, "rates"), first_day, last_day)
    exchange = Exchange(shop.rates, last_day)
    catalogue = Catalogue(stream(seed, "catalogue"), clock)
    storefronts = Storefronts(stream(seed, "storefronts"), business, catalogue.products)
    book = OrderBook(stream(seed, "orders"), ids, clock, catalogue, exchange, troubles, storefronts)
    sales = book.fill(orders_per_day)
    if business.pays_influencers:
        praise(stream(seed, "influence"), sales.orders)
    tag_orders(stream(seed, "paid social orders"), clock, sales.orders, business.ad_platforms)
    shop.products = catalogue.products + storefronts.products
    shop.customers = book.people.customers
    shop.orders = sales.orders
    shop.incidents = troubles.listed()

    shop.ads = advertise(stream(seed, "ads"), clock, sales, troubles)
    shop.ads += advertise_socially(stream(seed, "paid social"), clock, sales, business.ad_platforms)
    website = Website(stream(seed, "website"), ids, clock, sales, troubles, business)
    website.watch()
    website.leave_checkouts()
    shop.traffic, shop.search, shop.checkouts = website.traffic, website.search, website.checkouts
    _settle(shop, sales, clock, ids, exchange, orders_per_day)
    for tell in STORIES:
        tell(shop, clock)
    return shop


def _settle(
    shop: Shop, sales: Sales, clock: Clock, ids: VendorIds, exchange: Exchange, orders_per_day: float
) -> None:
    """Let the money flow: cards and wallets, processors, payouts, bank."""
    desks = [
        _pay_out(shop, _process(shop, sales, clock, ids, exchange, terms), clock, ids, terms)
        for terms in (STRIPE, PAYPAL)
        if terms.name in shop.business.processors
    ]
    shop.balance_transactions.sort(key=lambda txn: (txn.created_at, txn.txn_id))
    bank = Bank(stream(shop.seed, "bank"), ids, clock, orders_per_day, shop.business)
    booked = bank.credit_payouts([credit for desk in desks for credit in desk.announce_credits()])
    bank.pay_bills(shop.orders, shop.ads)
    shop.payouts = [
        replace(payout, bank_transaction_id=booked.get(payout.payout_id))
        for desk in desks
        for payout in desk.payouts
    ]
    shop.bank_accounts, shop.bank_transactions = bank.accounts, bank.transactions
    shop.incidents += [incident for desk in desks for incident in desk.incidents]


def _process(
    shop: Shop, sales: Sales, clock: Clock, ids: VendorIds, exchange: Exchange, terms: Terms
) -> Processor:
    """What one processor books; a quarter of the buyers who could pay by PayPal do."""
    name = "payments" if terms is STRIPE else f"payments {terms.name}"
    processor = Processor(stream(shop.seed, name), ids, clock, exchange, terms)
    choice = stream(shop.seed, "processors")
    for order in shop.orders:
        movements = sales.card.get(order.order_id)
        if movements:
            wallet = "paypal" in shop.business.processors and choice.random() < _BY_WALLET
            if wallet == (terms is PAYPAL):
                processor.book_order(order, movements, order.order_id in sales.disputed)
    if terms is STRIPE:
        processor.book_monthly_fees()
    shop.charges += processor.charges
    shop.card_refunds += processor.card_refunds
    shop.disputes += processor.disputes
    return processor


def _pay_out(shop: Shop, processor: Processor, clock: Clock, ids: VendorIds, terms: Terms) -> PayoutDesk:
    name = "payouts" if terms is STRIPE else f"payouts {terms.name}"
    desk = PayoutDesk(stream(shop.seed, name), ids, clock, terms)
    desk.pay_out(processor.balance_transactions)
    shop.balance_transactions += desk.balance_transactions
    return desk
