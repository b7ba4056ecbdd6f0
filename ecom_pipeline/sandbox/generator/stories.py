"""What becomes of an order after it is placed: shipped, edited, returned, cancelled, deleted.

Stories are dealt from a shuffled deck instead of drawn one by one, so that even a shop of a few
hundred orders holds every kind of trouble at least once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from ecom_pipeline.sandbox.events import Restock, SaleLine
from ecom_pipeline.sandbox.generator.catalogue import Catalogue
from ecom_pipeline.sandbox.generator.clock import Clock, business_day_after
from ecom_pipeline.sandbox.generator.draft import Draft

DECK = {
    "test": 1, "void": 2, "gift_card_only": 1, "gift_card_beside": 1, "cancel_before": 3, "cancel_after": 1,
    "edit_add": 2, "edit_remove": 2, "return": 16, "return_broken": 4, "return_then_goodwill": 1,
    "goodwill": 4, "shipping_refund": 2, "delete_paid": 1, "delete_cancelled": 1, "dispute": 1, "tip": 2,
}  # fmt: skip
DECK_SIZE = 240


def deal_stories(rng: Random) -> Callable[[], str]:
    """Deals one story per order, every deck in its own order."""
    full = [story for story, count in DECK.items() for _ in range(count)]
    full += ["plain"] * (DECK_SIZE - len(full))
    deck: list[str] = []

    def deal() -> str:
        if not deck:
            deck.extend(full)
            rng.shuffle(deck)
        return deck.pop()

    return deal


class Teller:
    """Tells one story after another on drafts."""

    def __init__(self, rng: Random, clock: Clock, catalogue: Catalogue) -> None:
        self._rng = rng
        self._clock = clock
        self._catalogue = catalogue
        self._tell: dict[str, Callable[[Draft], object]] = {
            "void": self._void, "cancel_before": self._cancel_before, "cancel_after": self._cancel_after,
            "edit_add": self._edit_add, "edit_remove": self._edit_remove, "return": self._return,
            "return_broken": self._return_broken, "return_then_goodwill": self._return_then_goodwill,
            "goodwill": self._goodwill, "shipping_refund": self._shipping_refund,
            "delete_paid": self._delete_paid, "delete_cancelled": self._delete_cancelled,
        }  # fmt: skip

    def tell(self, draft: Draft, story: str) -> None:
        """Let time pass on an order that was just placed."""
        # Money taken from a gift card is never given back on a card: such orders go well.
        tell = self._tell.get(story) if draft.gift_card_paid == 0 else None
        if tell is not None:
            tell(draft)
        elif not draft.test and draft.product_lines():
            self._ship(draft, draft.created_at)

    def _later(self, since: datetime, low: float, high: float) -> datetime:
        """A moment some days later, during waking hours."""
        day = self._clock.day_of(since) + timedelta(days=round(self._rng.uniform(low, high)))
        return max(self._clock.moment(day, self._rng.uniform(8.5, 21.5)), since + timedelta(minutes=7))

    def _ship(self, draft: Draft, since: datetime) -> datetime:
        """Send the parcel (now and then two) and tell when it arrives."""
        rng, clock = self._rng, self._clock
        wait = 1 if rng.random() < 0.8 else rng.randint(2, 4)
        day = business_day_after(clock.day_of(since), wait)
        arrival = business_day_after(day, max(1, draft.person.place.delivery_days + rng.randint(-1, 1)))
        delivered_at = clock.moment(arrival, rng.uniform(9, 18))
        draft.ship(clock.moment(day, rng.uniform(10, 17)), delivered_at)
        if rng.random() < 0.02 and draft.front.platform == "shopify":  # others know one parcel an order
            second = business_day_after(day, 3)
            delivered_at = clock.moment(business_day_after(arrival, 3), rng.uniform(9, 18))
            draft.ship(clock.moment(second, rng.uniform(10, 17)), delivered_at)
        return delivered_at

    def _reverse(self, draft: Draft, at: datetime, restocked: bool, by_card: bool = True) -> None:
        restocks = [
            Restock(line.line_item_id, line.quantity, restocked)
            for line in draft.product_lines()
            if line.line_item_id is not None
        ]
        lines = [line.take_back_all() for line in draft.open_lines if line.gross]
        draft.cancelled_at = at
        draft.agree("cancel", at, lines, restocks, by_card)

    def _void(self, draft: Draft) -> None:
        draft.card.clear()
        wanted = draft.created_at + timedelta(minutes=self._rng.randint(4, 2000))
        # An authorisation that outlives the history would be neither paid nor void: end it in time.
        at = max(draft.created_at, min(wanted, draft.end - timedelta(seconds=1)))
        draft.voided_at = at
        self._reverse(draft, at, restocked=True, by_card=False)

    def _cancel_before(self, draft: Draft) -> None:
        at = draft.created_at + timedelta(minutes=self._rng.randint(15, 900))
        if at < draft.end:
            self._reverse(draft, at, restocked=True)

    def _cancel_after(self, draft: Draft) -> None:
        delivered_at = self._ship(draft, draft.created_at)
        at = self._later(delivered_at, 1, 12)
        if at < draft.end:
            self._reverse(draft, at, restocked=self._rng.random() < 0.7)

    def _edit_add(self, draft: Draft) -> None:
        at = (
            self._later(draft.created_at, 0, 3)
            if self._rng.random() < 0.8
            else self._later(draft.created_at, 15, 40)
        )
        if at < draft.end:
            product = self._catalogue.draw(self._rng, self._clock.day_of(at))
            draft.agree("edit", at, [draft.add_line("product", draft.price_of(product), 0, 1, product)])
        self._ship(draft, at)

    def _edit_remove(self, draft: Draft) -> None:
        lines = draft.product_lines()
        line = self._rng.choice(lines)
        if len(lines) == 1 and line.quantity == 1:
            self._ship(draft, draft.created_at)
            return
        weeks_late = self._rng.random() < 0.3
        at = self._later(draft.created_at, 15, 35) if weeks_late else self._later(draft.created_at, 0, 3)
        if at < draft.end:
            quantity = line.quantity if len(lines) > 1 else 1
            draft.agree("edit", at, [line.take_back(quantity)])
        self._ship(draft, at)

    def _return(self, draft: Draft, restocked: bool = True) -> datetime:
        rng = self._rng
        delivered_at = self._ship(draft, draft.created_at)
        at = self._later(delivered_at, 4, 20) if rng.random() < 0.75 else self._later(delivered_at, 25, 60)
        if at >= draft.end or not draft.fulfillments:
            return at
        lines: list[SaleLine] = []
        restocks: list[Restock] = []
        whole = rng.random() < 0.3
        for line in draft.product_lines() if whole else [rng.choice(draft.product_lines())]:
            quantity = line.quantity if whole else rng.randint(1, line.quantity)
            if line.line_item_id is not None:
                restocks.append(Restock(line.line_item_id, quantity, restocked))
            lines.append(line.take_back(quantity))
        if whole:
            lines += [
                line.take_back_all() for line in draft.open_lines if line.kind == "shipping" and line.gross
            ]
        draft.agree("refund", at, lines, restocks)
        return at

    def _return_broken(self, draft: Draft) -> None:
        self._return(draft, restocked=False)

    def _return_then_goodwill(self, draft: Draft) -> None:
        self._give_goodwill(draft, self._later(self._return(draft), 1, 6))

    def _goodwill(self, draft: Draft) -> None:
        self._give_goodwill(draft, self._later(self._ship(draft, draft.created_at), 1, 15))

    def _give_goodwill(self, draft: Draft, at: datetime) -> None:
        left = sum(line.gross - line.discount for line in draft.product_lines())
        amount = min(100 * self._rng.randint(3, 10), left // 2)
        if at < draft.end and amount > 0:
            vat = draft.person.place.vat
            draft.agree("refund", at, [SaleLine("adjustment", -amount, 0, -((amount * vat + 50) // 100))])

    def _shipping_refund(self, draft: Draft) -> None:
        at = self._later(self._ship(draft, draft.created_at), 0, 8)
        lines = [line for line in draft.open_lines if line.kind == "shipping" and line.gross > line.discount]
        if at < draft.end and lines:
            draft.agree("refund", at, [line.take_back_all() for line in lines])

    def _delete_paid(self, draft: Draft) -> None:
        self._ship(draft, draft.created_at)
        self._delete(draft)

    def _delete_cancelled(self, draft: Draft) -> None:
        self._cancel_before(draft)
        self._delete(draft)

    def _delete(self, draft: Draft) -> None:
        at = self._later(draft.created_at, 8, 45)
        if at < draft.end:
            draft.deleted_at = at
