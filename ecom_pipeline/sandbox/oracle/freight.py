"""What parcels carried how far, as tonne-kilometres, and the orders they were for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import ONE, Fact

TEN_THOUSANDTH = Decimal("0.0001")
# The way from the warehouse to a country in kilometres, and where it is flown.
KILOMETRES = {
    "FR": 450, "BE": 320, "DE": 850, "ES": 1250, "IT": 1200, "LU": 380, "US": 7000, "GB": 500, "CH": 600,
}  # fmt: skip
FLOWN = frozenset(("US",))


@dataclass(frozen=True)
class Moved:
    """One parcel's freight, on the day it was announced."""

    day: date
    activity: str
    carrier: str
    tonne_kilometres: Decimal


def moved(books: Books) -> Iterator[Moved]:
    """Every parcel that has left by now; of one that only has its label nothing moved."""
    knowledge = books.knowledge
    for parcel in books.shop.parcels:
        if knowledge.happened(parcel.handed_over_at):
            gram_kilometres = parcel.weight_grams * KILOMETRES[parcel.country]
            kind = "return_" if parcel.is_return else ""
            yield Moved(
                knowledge.local_day(parcel.announced_at),
                f"parcel_{kind}{'air' if parcel.country in FLOWN else 'road'}",
                parcel.carrier,
                (Decimal(gram_kilometres) / 1_000_000).quantize(TEN_THOUSANDTH, ROUND_HALF_UP),
            )


def first_shipments(books: Books) -> list[Fact]:
    """One for each order, on the day its first parcel was announced, by carrier."""
    knowledge, seen, facts = books.knowledge, set[int](), []
    for parcel in sorted(books.shop.parcels, key=lambda one: (one.announced_at, one.parcel_id)):
        if parcel.is_return or parcel.order_id in seen or not knowledge.happened(parcel.announced_at):
            continue
        seen.add(parcel.order_id)
        facts.append(Fact(knowledge.local_day(parcel.announced_at), {"carrier": parcel.carrier}, ONE))
    return facts
