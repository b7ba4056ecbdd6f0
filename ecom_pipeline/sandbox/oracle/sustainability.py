"""Sustainability and social responsibility: gases, energy, waste, material, people, gifts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ecom_pipeline.sandbox.events import Activity, Headcount
from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.exchange import Exchange
from ecom_pipeline.sandbox.oracle.figures import (
    TOTAL,
    UNKNOWN,
    Cut,
    Fact,
    FactsOf,
    Figures,
    Kpi,
    Value,
    flow,
    ratio,
)
from ecom_pipeline.sandbox.oracle.freight import first_shipments, moved

TEN_THOUSANDTHS = Decimal(10_000)
FEWEST = 5
# Kilograms of CO2 equivalent per unit, and the scope, as published for the activities that occur here.
FACTORS = {
    "electricity_fr": (Decimal("0.053"), "2"),
    "natural_gas": (Decimal("0.18290"), "1"),
    "hosting_electricity_eu": (Decimal("0.420"), "3"),
    "cardboard": (Decimal("1.193966"), "3"),
    "parcel_road": (Decimal("0.331560"), "3"),
    "parcel_return_road": (Decimal("0.331560"), "3"),
    "parcel_air": (Decimal("0.899"), "3"),
    "parcel_return_air": (Decimal("0.899"), "3"),
}


def _daily(books: Books) -> Iterator[tuple[date, Activity, Decimal]]:
    """Each activity that is over by now, on each of its days, in whole ten-thousandths."""
    for one in books.shop.activities:
        if one.last_day > books.as_of_day:
            continue
        parts, days = int(one.quantity * TEN_THOUSANDTHS), (one.last_day - one.day).days + 1
        for number in range(days):
            share = parts * (number + 1) // days - parts * number // days
            yield one.day + timedelta(days=number), one, share / TEN_THOUSANDTHS


def _gases(books: Books) -> Iterator[Fact]:
    """Kilograms of each kind, activity and carrier on each day, rounded half up to ten-thousandths."""
    used: defaultdict[tuple[date, str, str, str], Decimal] = defaultdict(Decimal)
    for day, one, quantity in _daily(books):
        if one.kind in ("energy", "hosting", "packaging"):
            used[day, one.kind, one.activity, UNKNOWN] += quantity
    for parcel in moved(books):
        used[parcel.day, "transport", parcel.activity, parcel.carrier] += parcel.tonne_kilometres
    for (day, kind, activity, carrier), quantity in used.items():
        factor, scope = FACTORS[activity]
        kilograms = (quantity * factor).quantize(1 / TEN_THOUSANDTHS, ROUND_HALF_UP)
        yield Fact(day, {"scope": scope, "carrier": carrier, "kind": kind}, kilograms)


def _footprint(books: Books) -> Figures:
    """Tonnes of a year up to each day: each scope rounded to ten-thousandths, the total their sum."""
    by_day: defaultdict[date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for fact in _gases(books):
        by_day[fact.day][fact.segments["scope"]] += fact.amount
    figures: Figures = {}
    for day in books.days:
        scopes: defaultdict[str, Decimal] = defaultdict(Decimal)
        for past, amounts in by_day.items():
            if day - timedelta(days=364) <= past <= day:
                for scope, amount in amounts.items():
                    scopes[scope] += amount
        tonnes = {
            scope: (kilograms / 1000).quantize(1 / TEN_THOUSANDTHS, ROUND_HALF_UP)
            for scope, kilograms in scopes.items()
        }
        if tonnes:
            figures[day, *TOTAL] = (sum(tonnes.values(), Decimal(0)), None)
        for scope, amount in tonnes.items():
            figures[day, "scope", scope] = (amount, None)
    return figures


def _of_orders(books: Books) -> list[Fact]:
    return [fact for fact in _gases(books) if fact.segments["kind"] in ("transport", "packaging")]


def _amounts(wanted: Callable[[Activity], bool]) -> FactsOf:
    def facts(books: Books) -> list[Fact]:
        return [
            Fact(day, {"site": one.site}, quantity) for day, one, quantity in _daily(books) if wanted(one)
        ]

    return facts


def _shares(people: Callable[[Headcount], int]) -> Callable[[Books], Figures]:
    """The share of each group at the last count, by day."""

    def figures(books: Books) -> Figures:
        found: Figures = {}
        for day in books.days:
            for (dimension, segment), value in _counted(books, day, people).items():
                found[day, dimension, segment] = value
        return found

    return figures


def _counted(books: Books, day: date, people: Callable[[Headcount], int]) -> Mapping[Cut, Value]:
    found: dict[Cut, Value] = {}
    known = [one for one in books.shop.headcounts if one.day <= day]
    for dimension in {one.dimension for one in known}:
        last = max(one.day for one in known if one.dimension == dimension)
        rows = [one for one in known if one.dimension == dimension and one.day == last]
        everybody = sum(people(one) for one in rows)
        for one in rows:
            if one.headcount >= FEWEST and everybody:
                segment = f"{dimension}: {one.group}"
                found["group", segment] = (Decimal(people(one)), Decimal(everybody))
    return found


def _money(books: Books) -> list[Fact]:
    exchange = Exchange(books.shop.rates, books.shop.currency)
    return [
        Fact(one.day, {}, exchange.convert(one.amount, one.currency, one.day))
        for one in books.shop.contributions
    ]


def _hours(books: Books) -> list[Fact]:
    return [Fact(one.day, {}, one.hours) for one in books.shop.contributions]


KPIS: dict[str, Kpi] = {
    "carbon_footprint": Kpi("window", _footprint),
    "carbon_per_order": ratio(("carrier",), _of_orders, first_shipments),
    "energy_consumption": flow(("site",), _amounts(lambda one: one.kind in ("energy", "hosting"))),
    "waste_recycling_rate": ratio(
        (),
        _amounts(lambda one: one.kind == "waste" and bool(one.is_sustainable)),
        _amounts(lambda one: one.kind == "waste"),
    ),
    "sustainable_material_share": ratio(
        (),
        _amounts(lambda one: one.kind == "material" and bool(one.is_sustainable)),
        _amounts(lambda one: one.kind == "material"),
    ),
    "workforce_diversity": Kpi("snapshot", _shares(lambda one: one.headcount)),
    "management_diversity": Kpi("snapshot", _shares(lambda one: one.managers)),
    "community_contribution": flow((), _money),
    "community_hours": flow((), _hours),
}
