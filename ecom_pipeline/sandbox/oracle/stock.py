"""Stock and fulfilment: what lies on the shelf, what runs out, how long an order takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from ecom_pipeline.sandbox.events import StockDay
from ecom_pipeline.sandbox.oracle import deliveries
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import ONE, TOTAL, ZERO, Cut, Fact, Figures, Kpi, Value, ratio

MONTH, YEAR = 28, 365
FOUR_WEEKS = 28
ByVariant = dict[str, dict[date, Decimal]]


@dataclass(frozen=True)
class Shelf:
    """A variant on a day its stock was seen, the earlier days on which it was, and what was sold of it."""

    stock: StockDay
    seen: list[StockDay]
    units: dict[date, Decimal]
    costs: dict[date, Decimal]

    @property
    def in_hand(self) -> Decimal:
        return in_hand(self.stock)

    def seen_since(self, first: date) -> list[StockDay]:
        return [one for one in self.seen if first <= one.day <= self.stock.day]

    def total(self, amounts: dict[date, Decimal], first: date) -> Decimal:
        """What happened from a day on, up to the shelf's own."""
        return sum((one for day, one in amounts.items() if first <= day <= self.stock.day), ZERO)


def in_hand(stock: StockDay) -> Decimal:
    """Articles that can be sold: what is oversold is no stock."""
    return Decimal(max(stock.on_hand, 0))


def worth(books: Books, stock: StockDay) -> Decimal:
    """The stock at cost, at the day's rate where the shop keeps its books in another currency.

    Of an article whose cost nobody entered, nothing.
    """
    amount = in_hand(stock) * Decimal(stock.product.unit_cost or 0).scaleb(-4)
    currency = books.knowledge.currency_of(stock.product.storefront)
    if currency == books.exchange.reporting:
        return amount
    return books.exchange.convert_exact(amount, currency, stock.day)


def seen_days(books: Books) -> Iterator[StockDay]:
    """The stock on the days somebody looked."""
    return (one for one in books.shop.stock if one.day in books.snapshot_days and one.day <= books.as_of_day)


def by_variant(facts: Iterable[Fact]) -> ByVariant:
    found: defaultdict[str, defaultdict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for fact in facts:
        found[fact.segments["variant"]][fact.day] += fact.amount
    return {variant: dict(days) for variant, days in found.items()}


def shelves(books: Books) -> Iterator[tuple[date, Cut, list[Shelf]]]:
    """The shelves of each day seen, all of them and by product."""
    seen: defaultdict[str, list[StockDay]] = defaultdict(list)
    units, costs = by_variant(books.units), by_variant(books.cost_of_goods)
    for stock in seen_days(books):
        seen[str(stock.product.variant_id)].append(stock)
    found: defaultdict[tuple[date, Cut], list[Shelf]] = defaultdict(list)
    for variant, days in seen.items():
        for stock in days:
            shelf = Shelf(stock, days, units.get(variant, {}), costs.get(variant, {}))
            for cut in (TOTAL, ("product", stock.product.title)):
                found[stock.day, cut].append(shelf)
    return ((day, cut, some) for (day, cut), some in found.items())


def first_of(day: date, window: int) -> date:
    return day - timedelta(days=window - 1)


def _days_of_stock(books: Books, day: date, some: list[Shelf]) -> Value | None:
    """Units on hand ÷ units sold per in-stock day; of several variants, as if each sold like their mean."""
    on_sale = [shelf for shelf in some if shelf.stock.active]
    sold = in_stock = ZERO
    for shelf in on_sale:
        for one in shelf.seen_since(first_of(day, MONTH)):
            units = shelf.units.get(one.day, ZERO)
            sold += units
            in_stock += one.on_hand > 0 or units > 0
    on_hand = sum((shelf.in_hand for shelf in on_sale), ZERO)
    return (on_hand * in_stock, sold * len(on_sale)) if sold else None


def _sell_through(books: Books, day: date, some: list[Shelf]) -> Value | None:
    first = first_of(day, MONTH)
    if first < books.first_day:
        return None
    sold = sum((shelf.total(shelf.units, first) for shelf in some), ZERO)
    supply = sold + sum((shelf.in_hand for shelf in some), ZERO)
    return (sold, supply) if supply else None


def _turnover(books: Books, day: date, some: list[Shelf]) -> Value | None:
    """Cost of goods ÷ mean stock at cost, which is the stock of all days seen over their number."""
    first = first_of(day, YEAR)
    if first < books.first_day:
        return None
    cost = sum((shelf.total(shelf.costs, first) for shelf in some), ZERO)
    held = sum((worth(books, one) for shelf in some for one in shelf.seen_since(first)), ZERO)
    return (cost * days_seen(books, day, YEAR), held) if held else None


def days_seen(books: Books, day: date, window: int) -> int:
    """On how many days of the window somebody looked."""
    return sum(first_of(day, window) <= one <= day for one in books.snapshot_days)


def _windows(value_of: Callable[[Books, date, list[Shelf]], Value | None]) -> Kpi:
    def compute(books: Books) -> Figures:
        values = ((day, cut, value_of(books, day, some)) for day, cut, some in shelves(books))
        return {(day, *cut): value for day, cut, value in values if value is not None}

    return Kpi("window", compute)


def _active(books: Books, only_out: bool) -> list[Fact]:
    """One for each active variant and day seen, or only for those on which nothing was left."""
    return [
        Fact(one.day, {"product": one.product.title}, ONE)
        for one in seen_days(books)
        if one.active and (one.on_hand <= 0 or not only_out)
    ]


def _coverage(books: Books, window: int) -> Figures:
    """How many of four weeks of days were seen within the window, at most all."""
    return {
        (day, *cut): (Decimal(min(days_seen(books, day, window), FOUR_WEEKS)), Decimal(FOUR_WEEKS))
        for day, cut, _ in shelves(books)
    }


COVERAGE: dict[str, Kpi] = {
    "days_of_stock": Kpi("window", partial(_coverage, window=MONTH)),
    "inventory_turnover": Kpi("window", partial(_coverage, window=YEAR)),
}
"""Over how many days of looking a value rests."""

KPIS: dict[str, Kpi] = {
    "stockout_rate": ratio(("product",), partial(_active, only_out=True), partial(_active, only_out=False)),
    "days_of_stock": _windows(_days_of_stock),
    "sell_through_rate": _windows(_sell_through),
    "inventory_turnover": _windows(_turnover),
    **deliveries.KPIS,
}
