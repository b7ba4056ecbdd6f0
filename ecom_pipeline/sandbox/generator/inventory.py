"""What lies on the shelf at each day's end: sold down by orders, filled by suppliers and returns.

Supply knows the demand to come, so that articles mostly are there when they were sold. Now and then a
batch ends just where nobody bought for some days, as if because it was out; and sometimes the next one
comes a day late, so that more is promised than there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from random import Random

from ecom_pipeline.sandbox.events import Order, Product, Shop, StockDay
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import stream

_TELL = ("shopify", "prestashop")
_RUNS_OUT = 0.4  # of batches
_TAKEN_OFF = 0.5  # of articles that are out for long
_LATE = 0.3  # of the batches that follow
_LONG = 4  # days

Moves = Counter[tuple[int, date]]  # (variant, day) -> articles that left the shelf, less those that came back


def tell(shop: Shop, clock: Clock) -> None:
    """Add each day's stock of every article of a storefront that tells it."""
    rng = stream(shop.seed, "inventory")
    shelves = {front.key for front in shop.business.storefronts if front.platform in _TELL}
    moves: Moves = Counter()
    for order in shop.orders:
        if not order.test and order.storefront in shelves:
            _add_moves(order, clock, moves)
    days = list(clock.days())
    for product in shop.products:
        if product.storefront in shelves:
            begins = max(days[0], clock.day_of(product.created_at))
            sold_on = [day for day in days if day >= begins]
            taken = [moves[product.variant_id, day] for day in sold_on]
            shop.stock.extend(_shelf(product, sold_on, taken, rng))


def _add_moves(order: Order, clock: Clock, moves: Moves) -> None:
    articles: dict[int | None, Product] = {}
    for agreement in order.agreements:
        day = clock.day_of(agreement.at)
        for line in agreement.lines:
            if line.product is not None and line.kind == "product":
                articles[line.line_item_id] = line.product
                if agreement.kind in ("order", "edit"):
                    moves[line.product.variant_id, day] += line.quantity
        for restock in agreement.restocks:
            if restock.restocked and restock.line_item_id in articles:
                moves[articles[restock.line_item_id].variant_id, day] -= restock.quantity


def _shelf(product: Product, days: Sequence[date], taken: Sequence[int], rng: Random) -> Iterator[StockDay]:
    """The article's days, given what left the shelf on each."""
    received, off_sale = _supply(taken, rng)
    on_hand = 0
    for at, day in enumerate(days):
        on_hand += received[at] - taken[at]
        opening = at == 0 and product.created_at.date() < day  # it lay there before the history begins
        yield StockDay(day, product, on_hand, 0 if opening else received[at], at not in off_sale)


def _supply(taken: Sequence[int], rng: Random) -> tuple[Counter[int], set[int]]:
    """What suppliers bring on which day of the list, and the days on which the article is taken off sale."""
    received: Counter[int] = Counter()
    off_sale: set[int] = set()
    on_hand = at = 0
    while at < len(taken):
        end = at + rng.randint(21, 56)
        quiet = _quiet_days(taken, at + 7, end + 14) if rng.random() < _RUNS_OUT else None
        if quiet is None:
            needed = sum(taken[at:end])
            reserve = rng.randint(2, 6) + max(needed, 0) // 5
        else:
            needed, reserve, end = sum(taken[at : quiet.start]), 0, quiet.stop
            if len(quiet) >= _LONG and on_hand <= needed and rng.random() < _TAKEN_OFF:
                off_sale.update(quiet[2:])
            end += rng.random() < _LATE
        received[at] = max(0, needed + reserve - on_hand)
        on_hand += received[at] - sum(taken[at:end])
        at = end
    return received, off_sale


def _quiet_days(taken: Sequence[int], first: int, end: int) -> range | None:
    """The longest run of days, two or more, within bounds, on which nothing moved."""
    longest: range | None = None
    start = first
    for at in range(first, min(end, len(taken)) + 1):
        if at == min(end, len(taken)) or taken[at] != 0:
            if at - start >= 2 and (longest is None or at - start > len(longest)):
                longest = range(start, at)
            start = at + 1
    return longest
