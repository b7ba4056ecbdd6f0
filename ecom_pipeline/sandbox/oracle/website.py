"""Website: visits, what visitors did, and where they gave up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import TrafficDay
from ecom_pipeline.sandbox.oracle.books import Books, traffic_segments
from ecom_pipeline.sandbox.oracle.figures import ONE, UNKNOWN, Fact, FactsOf, Kpi, flow, ratio

CHECKOUT_MATURE = timedelta(days=1)
BY_VISIT = ("channel", "device", "country")
BY_CHANNEL = ("channel", "device")
BY_BUYER = ("device", "country")


def _visits(measure: Callable[[TrafficDay], int]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        return [Fact(one.day, traffic_segments(one), Decimal(measure(one))) for one in books.traffic]

    return facts


_sessions = _visits(lambda one: one.sessions)


def _abandoned(books: Books) -> list[Fact]:
    """Checkouts nobody is known to have come back for, on the day they were started."""
    knowledge = books.knowledge
    facts = [
        Fact(
            knowledge.local_day(one.created_at),
            {"device": one.device or UNKNOWN, "country": one.country or UNKNOWN},
            ONE,
        )
        for one in books.shop.checkouts
        if knowledge.happened(one.created_at) and not knowledge.happened(one.completed_at)
    ]
    return _mature(books, facts)


def _started(books: Books) -> list[Fact]:
    """Abandoned checkouts and those that became an order of any kind, voided and gift cards included.

    Only of the storefronts whose platform tells of both.
    """
    told = {front.key for front in books.shop.business.storefronts if front.platform == "shopify"}
    completed = [
        Fact(
            books.knowledge.local_day(order.created_at),
            {"device": order.device or UNKNOWN, "country": order.country or UNKNOWN},
            ONE,
        )
        for order in books.shop.orders
        if books.knowledge.exists(order) and order.storefront in told
    ]
    return _abandoned(books) + _mature(books, completed)


def _mature(books: Books, facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.day + CHECKOUT_MATURE <= books.as_of_day]


KPIS: dict[str, Kpi] = {
    "sessions": flow(BY_VISIT, _sessions),
    "average_session_duration": ratio(BY_CHANNEL, _visits(lambda one: one.engagement_seconds), _sessions),
    "bounce_rate": ratio(BY_CHANNEL, _visits(lambda one: one.sessions - one.engaged_sessions), _sessions),
    "add_to_cart_rate": ratio(BY_CHANNEL, _visits(lambda one: one.cart_sessions), _sessions),
    "cart_abandonment_rate": ratio(
        BY_CHANNEL,
        _visits(lambda one: one.cart_sessions - one.purchase_sessions),
        _visits(lambda one: one.cart_sessions),
    ),
    "checkout_abandonment_rate": ratio(BY_BUYER, _abandoned, _started),
}
