"""Web sessions, organic search and abandoned checkouts, built around the orders that really happened."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from ecom_pipeline.sandbox.events import Business, Checkout, Order, SearchDay, TrafficDay
from ecom_pipeline.sandbox.generator.channels import CHANNELS, DEVICES, Channel, DeviceHabit
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.incidents import MOBILE_LOSS, Troubles
from ecom_pipeline.sandbox.generator.orders import Demand, Sales
from ecom_pipeline.sandbox.generator.places import PLACES, Place
from ecom_pipeline.sandbox.generator.streams import VendorIds, draw_count

CONSENT = 0.92
_CARTS_PER_PURCHASE = 1 / 0.30
_CHECKOUTS_PER_PURCHASE = 1 / 0.56
_ENGAGED = {"mobile": 0.52, "desktop": 0.63, "tablet": 0.58}
_SECONDS = {"mobile": 72, "desktop": 128, "tablet": 104}
_RECOVERED = 0.05


def expected_orders(demand: Demand, channel: Channel) -> float:
    """Orders a channel would bring on a day if nothing were broken."""
    return demand.newcomers * channel.new_share + demand.regulars * channel.repeat_share


class Website:
    """Draws what web analytics, the search console and the checkout saw."""

    def __init__(
        self, rng: Random, ids: VendorIds, clock: Clock, sales: Sales, troubles: Troubles, business: Business
    ) -> None:
        self._business = business
        self._rng = rng
        self._ids = ids
        self._clock = clock
        self._sales = sales
        self._troubles = troubles
        self.traffic: list[TrafficDay] = []
        self.search: list[SearchDay] = []
        self.checkouts: list[Checkout] = []

    def watch(self) -> None:
        """Sessions per day, channel, device and country, and the search results behind some of them."""
        for day, demand in self._sales.demand.items():
            for channel in CHANNELS:
                mood = self._rng.lognormvariate(0, 0.05)
                orders = expected_orders(demand, channel)
                for habit in DEVICES:
                    for place in PLACES:
                        self._watch_segment(day, channel, habit, place, orders, mood)

    def _watch_segment(
        self, day: date, channel: Channel, habit: DeviceHabit, place: Place, orders: float, mood: float
    ) -> None:
        rng, device = self._rng, habit.device
        expected = CONSENT * orders * habit.order_share * place.share
        ordered = self._sales.purchases.get((day, channel.name, device, place.country), 0)
        purchases = sum(rng.random() < CONSENT for _ in range(ordered))
        lost = MOBILE_LOSS * expected if device == "mobile" and self._troubles.mobile_broken(day) else 0.0
        checkouts = purchases + draw_count(rng, expected * (_CHECKOUTS_PER_PURCHASE - 1) + lost)
        carts = checkouts + draw_count(rng, expected * (_CARTS_PER_PURCHASE - _CHECKOUTS_PER_PURCHASE))
        conversion = channel.conversion * habit.conversion * place.conversion
        browsing = draw_count(rng, max(0.0, mood * expected * (1 / conversion - _CARTS_PER_PURCHASE)))
        sessions = carts + browsing
        if not sessions:
            return
        engaged = min(sessions, carts + round(browsing * _ENGAGED[device] * rng.uniform(0.94, 1.06)))
        seconds = round(sessions * _SECONDS[device] * rng.uniform(0.9, 1.1))
        self.traffic.append(
            TrafficDay(
                day=day,
                channel=channel.name,
                device=device,
                country=place.country,
                sessions=sessions,
                engaged_sessions=engaged,
                engagement_seconds=seconds,
                cart_sessions=carts,
                checkout_sessions=checkouts,
                purchase_sessions=purchases,
            )
        )
        if channel.name == "Organic Search":
            self._search(day, habit, place, sessions)

    def _search(self, day: date, habit: DeviceHabit, place: Place, sessions: int) -> None:
        rng = self._rng
        clicks = round(sessions * rng.uniform(0.95, 1.15))
        impressions = round(clicks / rng.uniform(0.028, 0.042)) + rng.randint(0, 20)
        tenths = rng.randint(95, 135) if place.country == "FR" else rng.randint(140, 240)
        self.search.append(
            SearchDay(
                day, habit.device, place.country, clicks, impressions, Decimal(tenths * impressions) / 10
            )
        )

    def leave_checkouts(self) -> None:
        """Checkouts that nobody finished, and some that were finished after a while."""
        rng = self._rng
        # Only Shopify tells of checkouts that were left.
        told = {front.key for front in self._business.storefronts if front.platform == "shopify"}
        recent = [order for order in self._sales.orders if not order.test and order.storefront in told]
        for order in recent:
            if rng.random() < _RECOVERED:
                created_at = order.created_at - timedelta(minutes=rng.randint(20, 1800))
                if created_at >= self._clock.start:
                    self._checkout(order, created_at, order.created_at)
        for day, orders in self._orders_by_day(recent).items():
            for order in orders:
                broken = order.device == "mobile" and self._troubles.mobile_broken(day)
                # Who could not pay left a checkout: as many more per order that did get through.
                extra = MOBILE_LOSS / (1 - MOBILE_LOSS) if broken else 0.0
                wanted = (_CHECKOUTS_PER_PURCHASE - 1) * (1 + extra) + extra
                for _ in range(draw_count(rng, wanted)):
                    self._checkout(order, self._clock.shopping_moment(day, rng), None)
        self.checkouts.sort(key=lambda checkout: (checkout.created_at, checkout.checkout_id))

    def _orders_by_day(self, orders: list[Order]) -> dict[date, list[Order]]:
        by_day: dict[date, list[Order]] = {}
        for order in orders:
            by_day.setdefault(self._clock.day_of(order.created_at), []).append(order)
        return by_day

    def _checkout(self, like: Order, created_at: datetime, completed_at: datetime | None) -> None:
        """A checkout of the same make as an order: its device, country, currency and size."""
        paid = sum(line.paid for line in like.agreements[0].lines)
        total = paid if completed_at else round(paid * self._rng.uniform(0.5, 1.7))
        self.checkouts.append(
            Checkout(
                checkout_id=self._ids.number("checkout"),
                created_at=created_at,
                completed_at=completed_at,
                device=like.device,
                country=like.country,
                currency=like.currency,
                total=total,
                storefront=like.storefront,
            )
        )
