"""Energy, waste, material, the people who work, and gifts to others."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Literal

from ecom_pipeline.sandbox.events import Activity, Contribution, Headcount, Shop
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import stream

Kind = Literal["energy", "hosting", "packaging", "waste", "material"]
Groupings = Mapping[str, tuple[tuple[str, int, int], ...]]
_BOX_GRAMS = 140
_SITES = (("Atelier de Grasse", "electricity_fr", 5200), ("Atelier de Grasse", "natural_gas", 6800),
          ("Boutique de Lyon", "electricity_fr", 900))  # fmt: skip
_MATERIALS = (("wax", 620, True), ("glass", 480, False), ("cotton", 55, True), ("paper", 90, True))
_GROUPS: Groupings = {
    "gender": (("women", 19, 4), ("men", 14, 3), ("non-binary", 2, 0)),
    "age": (("under 30", 11, 0), ("30 to 49", 17, 5), ("50 and over", 7, 2)),
}
_CONTRACTS: Groupings = {"contract": (("permanent", 28, 7), ("fixed term", 6, 0))}  # counted twice a year
_BENEFICIARIES = ("Secours populaire", "Restos du cœur", "École de Grasse")


def tell(shop: Shop, clock: Clock) -> None:
    """Add the facts to the shop."""
    rng = stream(shop.seed, "footprint")
    months = list(_months(clock))
    for first, last in months:
        shop.activities += _monthly(rng, first, last)
        if rng.random() < 0.6:
            shop.contributions.append(_contribution(rng, first, last, len(shop.contributions)))
    shop.activities += _packaging(shop, clock)
    for first, _ in months:
        if first.month % 3 == 1 or first == months[0][0]:
            shop.headcounts += _headcounts(rng, first, _GROUPS)
        if first.month % 6 == 2:
            shop.headcounts += _headcounts(rng, first, _CONTRACTS)


def _months(clock: Clock) -> Iterator[tuple[date, date]]:
    """First and last day of each calendar month, within the history."""
    day = clock.first_day
    while day <= clock.last_day:
        last = day.replace(day=monthrange(day.year, day.month)[1])
        yield day, min(last, clock.last_day)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _monthly(rng: Random, first: date, last: date) -> Iterator[Activity]:
    """Invoices of a month: energy by site, hosting, waste and material."""
    cold = 1.5 if first.month in (11, 12, 1, 2, 3) else 0.8
    for site, activity, mean in _SITES:
        seasonal = cold if activity == "natural_gas" else 1.0
        yield _amount(rng, first, last, "energy", activity, mean * seasonal, "kWh", site, None)
    yield _amount(rng, first, last, "hosting", "hosting_electricity_eu", 310, "kWh", "Data centre", None)
    yield _amount(rng, first, last, "waste", "paper_waste", 260, "kg", "Atelier de Grasse", True)
    yield _amount(rng, first, last, "waste", "residual_waste", 140, "kg", "Atelier de Grasse", False)
    for material, mean, sustainable in _MATERIALS:
        yield _amount(rng, first, first, "material", material, mean, "kg", "Atelier de Grasse", sustainable)


def _amount(
    rng: Random, first: date, last: date, kind: Kind, activity: str, mean: float, unit: str, site: str,
    sustainable: bool | None,
) -> Activity:  # fmt: skip
    quantity = Decimal(round(mean * rng.uniform(0.85, 1.15) * 10)) / 10
    return Activity(first, last, kind, activity, quantity, unit, site, sustainable)


def _packaging(shop: Shop, clock: Clock) -> Iterator[Activity]:
    """A box for every parcel, on the day it is packed."""
    boxes = Counter(
        clock.day_of(fulfillment.shipped_at) for order in shop.orders for fulfillment in order.fulfillments
    )
    for day in sorted(boxes):
        kilograms = Decimal(boxes[day] * _BOX_GRAMS) / 1000
        yield Activity(day, day, "packaging", "cardboard", kilograms, "kg", "Atelier de Grasse", True)


def _headcounts(rng: Random, day: date, groupings: Groupings) -> Iterator[Headcount]:
    for dimension, groups in groupings.items():
        for group, headcount, managers in groups:
            yield Headcount(day, dimension, group, headcount + rng.randint(0, 2), managers)


def _contribution(rng: Random, first: date, last: date, number: int) -> Contribution:
    day = first.replace(day=rng.randint(first.day, last.day))
    hours = Decimal(rng.randint(0, 24)) / 2
    currency = "GBP" if number % 4 == 3 else "EUR"
    amount = 5000 * rng.randint(1, 12)
    return Contribution(f"don-{number + 1:03d}", day, amount, currency, hours, rng.choice(_BENEFICIARIES))
