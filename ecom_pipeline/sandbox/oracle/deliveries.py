"""How long an order takes: to shipping, in transit, to the customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from ecom_pipeline.sandbox.events import Parcel
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import Cut, Figures, Key, Kpi, cuts, days_ending

MONTH = 28
HOUR = 3600


def _seconds(since: datetime, until: datetime) -> int:
    return int((until - since) / timedelta(seconds=1))


def _deliveries(books: Books) -> dict[date, list[tuple[Parcel, datetime]]]:
    """Parcels that reached a customer, by the local day they arrived, with when their order was placed."""
    knowledge = books.knowledge
    placed_at = {order.order_id: order.created_at for order in books.shop.orders if knowledge.exists(order)}
    found: defaultdict[date, list[tuple[Parcel, datetime]]] = defaultdict(list)
    for parcel in books.shop.parcels:
        if parcel.is_return or parcel.order_id not in placed_at:
            continue
        if parcel.delivered_at is not None and knowledge.happened(parcel.delivered_at):
            found[knowledge.local_day(parcel.delivered_at)].append((parcel, placed_at[parcel.order_id]))
    return found


def _step(parcel: Parcel, placed_at: datetime, step: str) -> int:
    assert parcel.delivered_at is not None
    if step == "to_ship":
        return _seconds(placed_at, parcel.handed_over_at)
    return _seconds(placed_at if step == "cycle" else parcel.handed_over_at, parcel.delivered_at)


def _durations(books: Books, step: str, by: tuple[str, ...]) -> Iterator[tuple[Key, list[int]]]:
    """For each day and segment, how long the step took for the parcels of the month before, shortest first."""
    deliveries = _deliveries(books)
    for day in books.days:
        found: defaultdict[Cut, list[int]] = defaultdict(list)
        for one in days_ending(day, MONTH):
            for parcel, placed_at in deliveries.get(one, ()):
                for cut in cuts({"country": parcel.country, "carrier": parcel.carrier}, by):
                    found[cut].append(_step(parcel, placed_at, step))
        for cut, seconds in found.items():
            yield (day, *cut), sorted(seconds)


def _median(step: str, by: tuple[str, ...]) -> Kpi:
    """The middle value in hours; of an even number, the mean of the two in the middle."""

    def compute(books: Books) -> Figures:
        return {
            key: (Decimal(some[(len(some) - 1) // 2] + some[len(some) // 2]), Decimal(2 * HOUR))
            for key, some in _durations(books, step, by)
        }

    return Kpi("window", compute)


def _nine_in_ten(step: str, by: tuple[str, ...]) -> Kpi:
    """The least value in hours that at least nine tenths do not exceed."""

    def compute(books: Books) -> Figures:
        return {
            key: (Decimal(some[-(-9 * len(some) // 10) - 1]), Decimal(HOUR))
            for key, some in _durations(books, step, by)
        }

    return Kpi("window", compute)


KPIS: dict[str, Kpi] = {
    "order_cycle_time": _median("cycle", ("country", "carrier")),
    "order_cycle_time_p90": _nine_in_ten("cycle", ("country", "carrier")),
    "time_to_ship": _median("to_ship", ("country",)),
    "time_in_transit": _median("transit", ("country", "carrier")),
}
