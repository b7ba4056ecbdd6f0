"""Mobile: what telephones bring, and how often the shop's app is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import AppDay, TrafficDay
from ecom_pipeline.sandbox.oracle.books import Books, traffic_segments
from ecom_pipeline.sandbox.oracle.figures import (
    TOTAL,
    Cut,
    Fact,
    FactsOf,
    Kpi,
    Value,
    as_of_each_day,
    days_ending,
    flow,
    minus,
    ratio,
)

BY_CHANNEL = ("channel",)
COUNTED = timedelta(days=7)
MONTH = 28
TELLS_DEVICES = "google_play"
TELEPHONE = "mobile"


def _visits(measure: Callable[[TrafficDay], int]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        return _on_telephones(
            Fact(one.day, traffic_segments(one), Decimal(measure(one))) for one in books.traffic
        )

    return facts


def _on_telephones(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.segments["device"] == TELEPHONE]


def _counted(books: Books) -> list[AppDay]:
    """The days both stores have counted."""
    return [one for one in books.shop.apps if one.day + COUNTED <= books.as_of_day]


def _downloads(books: Books) -> list[Fact]:
    return [Fact(one.day, {"store": one.store}, Decimal(one.first_installs)) for one in _counted(books)]


def _downloads_per_device(books: Books, day: date) -> dict[Cut, Value]:
    """Four weeks' first installs over the devices of their last day, in the store that tells of devices."""
    window = set(days_ending(day, MONTH))
    told = [one for one in _counted(books) if one.store == TELLS_DEVICES and one.day in window]
    devices = Decimal(sum(one.active_devices for one in told if one.day == day))
    value = (Decimal(sum(one.first_installs for one in told)), devices)
    return {TOTAL: value, ("store", TELLS_DEVICES): value} if day + COUNTED <= books.as_of_day else {}


_sessions = _visits(lambda one: one.sessions)

KPIS: dict[str, Kpi] = {
    "mobile_traffic": flow(BY_CHANNEL, _sessions),
    "mobile_traffic_share": ratio(BY_CHANNEL, _sessions, lambda books: books.sessions),
    "mobile_conversion_rate": ratio(BY_CHANNEL, _visits(lambda one: one.purchase_sessions), _sessions),
    "mobile_cart_abandonment_rate": ratio(
        BY_CHANNEL,
        _visits(lambda one: one.cart_sessions - one.purchase_sessions),
        _visits(lambda one: one.cart_sessions),
    ),
    "mobile_average_order_value": ratio(
        BY_CHANNEL,
        lambda books: _on_telephones(books.gross + minus(books.discounts)),
        lambda books: _on_telephones(books.orders),
    ),
    "app_downloads": flow(("store",), _downloads),
    "app_downloads_per_active_device": as_of_each_day("window", _downloads_per_device),
}
