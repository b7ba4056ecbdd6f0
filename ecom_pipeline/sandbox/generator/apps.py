"""The shop's app in both stores, by country and day of the stores' own calendar.

A store counts its Pacific days; they bear the date of the shop's day that they mostly overlap.
"""

from __future__ import annotations

from typing import Literal

from ecom_pipeline.sandbox.events import AppDay, Shop
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import draw_count, stream

Store = Literal["app_store", "google_play"]

_COUNTRIES = (("FR", 0.72), ("BE", 0.14), ("DE", 0.09), ("US", 0.05))
_STORES: tuple[tuple[Store, float], ...] = (("app_store", 0.6), ("google_play", 0.4))
_INSTALLS_AN_ORDER = 0.11
_LEAVING = 0.004  # of active devices, each day
_RELEASES = (3, 17)  # days of the month on which devices update
_UPDATING = 0.35


def tell(shop: Shop, clock: Clock) -> None:
    """Add each store's, country's and day's figures to the shop."""
    rng = stream(shop.seed, "apps")
    days = list(clock.days())
    mean = _INSTALLS_AN_ORDER * len(shop.orders) / len(days)
    active = {
        (store, country): round(20 + 150 * mean * share * weight)
        for store, share in _STORES
        for country, weight in _COUNTRIES
    }
    for day in days:
        for store, share in _STORES:
            for country, weight in _COUNTRIES:
                here = active[store, country]
                installs = draw_count(rng, mean * share * weight)
                again = draw_count(rng, mean * share * weight * 0.3)
                updates = draw_count(rng, here * (_UPDATING if day.day in _RELEASES else 0.002))
                here = max(0, here + installs + again - draw_count(rng, here * _LEAVING))
                active[store, country] = here
                shop.apps.append(AppDay(day, store, country, installs, again, updates, here))
