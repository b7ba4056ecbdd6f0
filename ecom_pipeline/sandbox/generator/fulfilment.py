"""Parcels as the carriers' platform knows them: one for each parcel that left, one for each return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from ecom_pipeline.sandbox.events import Agreement, Order, Parcel, Product, SaleLine, Shop
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import stream

# Carriers and how often each is chosen, in percent.
_AT_HOME = (("Colissimo", 55), ("Mondial Relay", 30), ("Chronopost", 15))
_NEXT_DOOR = (("Mondial Relay", 45), ("DPD", 55))
_ABROAD = (("DPD", 85), ("Chronopost", 15))
_OVERSEAS = (("Chronopost", 60), ("Colissimo", 40))
_CARRIERS = {"FR": _AT_HOME, "BE": _NEXT_DOOR, "LU": _NEXT_DOOR, "ES": _NEXT_DOOR, "US": _OVERSEAS}

# Grams of an article by how its title begins, and of what is not named here.
_GRAMS = {
    "Bougie": 420, "Grande bougie": 1150, "Diffuseur": 380, "Brume": 190, "Photophore": 340, "Vase": 980,
    "Plaid": 1300, "Coffret": 1450, "Accessoire": 160,
}  # fmt: skip
_OTHER_GRAMS = 450
_BOX_GRAMS = 160
_FIRST_ID, _ID_STEP = 412_300_000, 3


def tell(shop: Shop, clock: Clock) -> None:
    """Add a parcel for each fulfillment, and one for each refund in which articles of a shipped order came back."""
    rng = stream(shop.seed, "fulfilment")
    made = [parcel for order in shop.orders for parcel in _parcels(order, rng)]
    made.sort(key=lambda parcel: (parcel.announced_at, parcel.order_id))
    shop.parcels = [
        replace(parcel, parcel_id=_FIRST_ID + _ID_STEP * number) for number, parcel in enumerate(made)
    ]


def _parcels(order: Order, rng: Random) -> Iterator[Parcel]:
    yield from _sent(order, rng)
    for agreement in order.agreements:
        back = _returned(order, agreement, rng)
        if back is not None:
            yield back


def _sent(order: Order, rng: Random) -> Iterator[Parcel]:
    parcels = order.fulfillments
    if not parcels:
        return
    grams = sum(
        _grams(line.product) * line.quantity for line in _articles_sold(order, parcels[-1].shipped_at)
    )
    carrier = _draw_carrier(order.country, rng)
    for parcel in parcels:
        label_printed = parcel.shipped_at - timedelta(minutes=rng.randint(15, 230))
        yield Parcel(
            parcel_id=0,
            order_id=order.order_id,
            announced_at=max(label_printed, order.created_at),
            handed_over_at=parcel.shipped_at,
            delivered_at=parcel.delivered_at,
            carrier=carrier,
            country=order.country,
            weight_grams=_BOX_GRAMS + max(grams, 0) // len(parcels),
            is_return=False,
        )


def _returned(order: Order, agreement: Agreement, rng: Random) -> Parcel | None:
    """The parcel behind a refund: it arrived before the shop gave the money back."""
    shipped = [parcel for parcel in order.fulfillments if parcel.shipped_at < agreement.at]
    if not shipped or not any(restock.quantity for restock in agreement.restocks):
        return None
    articles = {line.line_item_id: line.product for a in order.agreements for line in a.lines if line.product}
    grams = sum(_grams(articles.get(one.line_item_id)) * one.quantity for one in agreement.restocks)
    had_it_at = shipped[0].delivered_at or shipped[0].shipped_at
    announced_at = _between(had_it_at, agreement.at, rng, 0.1, 0.4)
    handed_over_at = _between(announced_at, agreement.at, rng, 0.1, 0.4)
    return Parcel(
        parcel_id=0,
        order_id=order.order_id,
        announced_at=announced_at,
        handed_over_at=handed_over_at,
        delivered_at=_between(handed_over_at, agreement.at, rng, 0.5, 0.9),
        carrier=_draw_carrier(order.country, rng),
        country=order.country,
        weight_grams=_BOX_GRAMS + grams,
        is_return=True,
    )


def _articles_sold(order: Order, until: datetime) -> Iterator[SaleLine]:
    return (
        line
        for agreement in order.agreements
        if agreement.at <= until
        for line in agreement.lines
        if line.kind == "product"
    )


def _grams(product: Product | None) -> int:
    title = product.title if product else ""
    return next((grams for name, grams in _GRAMS.items() if title.startswith(name)), _OTHER_GRAMS)


def _draw_carrier(country: str, rng: Random) -> str:
    names, weights = zip(*_CARRIERS.get(country, _ABROAD), strict=True)
    return str(rng.choices(names, weights)[0])


def _between(start: datetime, end: datetime, rng: Random, low: float, high: float) -> datetime:
    """An instant some part of the way from one to another, to the second."""
    return start + timedelta(seconds=int((end - start).total_seconds() * rng.uniform(low, high)))
