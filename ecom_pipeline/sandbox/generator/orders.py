"""Day by day: who comes, who comes back, what goes into the basket, and what becomes of it."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from ecom_pipeline.sandbox.events import Device, Order
from ecom_pipeline.sandbox.generator.catalogue import Catalogue
from ecom_pipeline.sandbox.generator.channels import draw_channel
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.draft import CardMovement, Draft
from ecom_pipeline.sandbox.generator.exchange import Exchange
from ecom_pipeline.sandbox.generator.incidents import MOBILE_LOSS, Troubles
from ecom_pipeline.sandbox.generator.people import People, Person
from ecom_pipeline.sandbox.generator.season import demand_factor, draw_discount, growth_factor
from ecom_pipeline.sandbox.generator.storefronts import Storefronts
from ecom_pipeline.sandbox.generator.stories import Teller, deal_stories
from ecom_pipeline.sandbox.generator.streams import VendorIds, draw_count

_GIFT_CARD_VALUES = (3000, 5000, 5000, 8000, 10000)
_GIFT_CARD_USE = 0.02


@dataclass(frozen=True)
class Demand:
    """How many orders a day would bring if nothing were broken: the expectation, not the draw."""

    newcomers: float
    regulars: float


@dataclass
class Sales:
    """What the day loop leaves behind for the other modules."""

    orders: list[Order] = field(default_factory=list)
    demand: dict[date, Demand] = field(default_factory=dict)
    # (day, GA4 channel, device, country) -> orders that a web analytics tool would see as purchases
    purchases: Counter[tuple[date, str, str, str]] = field(default_factory=Counter)
    card: dict[int, list[CardMovement]] = field(default_factory=dict)
    disputed: set[int] = field(default_factory=set)


class OrderBook:
    """Takes the orders of the whole history."""

    def __init__(
        self,
        rng: Random,
        ids: VendorIds,
        clock: Clock,
        catalogue: Catalogue,
        exchange: Exchange,
        troubles: Troubles,
        storefronts: Storefronts,
    ) -> None:
        self._storefronts = storefronts
        self._rng = rng
        self._ids = ids
        self._clock = clock
        self._catalogue = catalogue
        self._exchange = exchange
        self._troubles = troubles
        self.people = People(rng, ids)
        self._teller = Teller(rng, clock, catalogue)
        self._deal = deal_stories(rng)
        self._due: defaultdict[date, list[tuple[datetime, Person]]] = defaultdict(list)
        self._gift_cards: list[int] = []
        self._sales = Sales()

    def fill(self, orders_per_day: float) -> Sales:
        """Every order from the first to the last day."""
        for day in self._clock.days():
            due = self._due.pop(day, [])
            target = orders_per_day * demand_factor(day) * growth_factor(self._clock.first_day, day)
            newcomers = max(target - len(due), 0.15 * target)
            self._sales.demand[day] = Demand(newcomers, len(due))
            self._fill_day(day, due, draw_count(self._rng, newcomers))
        return self._sales

    def _fill_day(self, day: date, due: list[tuple[datetime, Person]], newcomers: int) -> None:
        arrivals = [
            (self._clock.shopping_moment(day, self._rng), self.people.arrive()) for _ in range(newcomers)
        ]
        queue = [(at, number, person) for number, (at, person) in enumerate(due + arrivals)]
        heapq.heapify(queue)
        number = len(queue)
        while queue:
            at, _, person = heapq.heappop(queue)
            again_at = self._visit(day, at, person)
            if again_at is not None:
                heapq.heappush(queue, (again_at, number, person))
                number += 1

    def _visit(self, day: date, at: datetime, person: Person) -> datetime | None:
        """One person wants to buy; returns the next time, when that is still the same day."""
        device = person.pick_device(self._rng)
        if device == "mobile" and self._troubles.mobile_broken(day) and self._rng.random() < MOBILE_LOSS:
            if person.orders == 0:
                return None
        else:
            self._place(day, at, person, device)
        return self._plan_next(day, at, person)

    def _plan_next(self, day: date, at: datetime, person: Person) -> datetime | None:
        gap = person.days_to_next_order(self._rng)
        if gap is None or gap > 4000:
            return None
        next_day = day + timedelta(days=int(gap))
        if next_day == day:
            again_at = at + timedelta(minutes=self._rng.randint(20, 400))
            return again_at if again_at < self._clock.midnight(day + timedelta(days=1)) else None
        if next_day <= self._clock.last_day:
            self._due[next_day].append((self._clock.shopping_moment(next_day, self._rng), person))
        return None

    def _place(self, day: date, at: datetime, person: Person, device: Device) -> None:
        rng, sales = self._rng, self._sales
        channel = draw_channel(rng, person.orders == 0)
        front = self._storefronts.choose(person)
        story = self._storefronts.story(front, self._deal())
        draft = Draft(
            ids=self._ids,
            order_id=self._storefronts.own_order_id(front, self._ids.number("order")),
            created_at=at,
            end=self._clock.end,
            person=person,
            email=person.typed_email(rng),
            currency=person.place.currency,
            shop_rate=self._exchange.platform_rate(person.place.currency, day),
            visit=channel.draw_visit(rng),
            device=device,
            discount_code=None,
            test=story == "test",
            front=front,
            article=partial(self._storefronts.article, front),
        )
        self._fill_basket(draft, day, story)
        self._teller.tell(draft, story)
        person.orders += 1
        order = draft.finish(self._storefronts.name(front, draft.order_id))
        sales.orders.append(order)
        if draft.test:
            return
        sales.purchases[day, channel.name, device, order.country] += 1
        if draft.card:
            sales.card[order.order_id] = draft.card
        if story == "dispute" and len(draft.card) == 1:
            sales.disputed.add(order.order_id)

    def _fill_basket(self, draft: Draft, day: date, story: str) -> None:
        rng = self._rng
        lines = []
        if story != "gift_card_only":
            percent, draft.discount_code = draw_discount(day, rng)
            chance = rng.random()
            for _ in range(1 if chance < 0.53 else 2 if chance < 0.83 else 3 if chance < 0.95 else 4):
                product = self._catalogue.draw(rng, day)
                quantity = 1 if rng.random() < 0.82 else 2 if rng.random() < 0.8 else 3
                gross = quantity * draft.price_of(product)
                lines.append(
                    draft.add_line("product", gross, (gross * percent + 50) // 100, quantity, product)
                )
            basket = sum(line.gross - line.discount for line in lines)
            shipping = self._shipping_price(draft, basket)
            if shipping:
                free = draft.discount_code is None and rng.random() < 0.05
                free = free and draft.front.platform == "shopify"  # others forget what they did not charge
                if free:
                    draft.discount_code = "LIVRAISON"
                lines.append(draft.add_line("shipping", shipping, shipping if free else 0))
        if story in ("gift_card_only", "gift_card_beside"):
            value = draft.in_currency(rng.choice(_GIFT_CARD_VALUES))
            lines.append(draft.add_line("gift_card", value, 0, 1))
            if draft.currency == "EUR":
                self._gift_cards.append(value)
        elif (
            self._gift_cards
            and draft.currency == "EUR"
            and draft.front.platform == "shopify"
            and not draft.test
            and rng.random() < _GIFT_CARD_USE
        ):
            draft.gift_card_paid = self._redeem(sum(line.paid for line in lines))
        if story == "tip":
            lines.append(draft.add_line("tip", 100 * rng.randint(1, 5), 0))
        draft.agree("order", draft.created_at, lines, by_card=not draft.test)

    def _shipping_price(self, draft: Draft, basket: int) -> int:
        place = draft.person.place
        if basket >= draft.in_currency(place.free_from):
            return 0
        return draft.in_currency(place.shipping)

    def _redeem(self, to_pay: int) -> int:
        balance = self._gift_cards.pop(0)
        used = min(balance, to_pay)
        if balance > used:
            self._gift_cards.append(balance - used)
        return used
