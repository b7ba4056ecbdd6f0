"""What the shop sells: sixty articles for the home, their costs, and when one was out of stock."""

from __future__ import annotations

from bisect import bisect
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

from ecom_pipeline.sandbox.events import Product
from ecom_pipeline.sandbox.generator.clock import Clock

# Family, lowest and highest price in steps of 60 cents (French VAT included, so that the price
# before VAT is a whole number of cents), cost as percent of the price before VAT, variants.
_FAMILIES = (
    ("Bougie parfumée", 40, 70, 33, (
        "Figuier", "Ambre", "Bois de cèdre", "Fleur d'oranger", "Cuir", "Thé vert", "Rose ancienne",
        "Vanille noire", "Sel marin", "Tubéreuse", "Iris", "Tabac blond",
    )),
    ("Grande bougie", 80, 120, 35, (
        "Figuier", "Ambre", "Bois de cèdre", "Sel marin", "Iris", "Cuir",
    )),
    ("Diffuseur", 55, 90, 32, (
        "Figuier", "Ambre", "Fleur d'oranger", "Thé vert", "Vanille noire", "Sel marin",
    )),
    ("Brume d'oreiller", 28, 38, 30, (
        "Lavande", "Fleur d'oranger", "Camomille", "Verveine",
    )),
    ("Photophore", 24, 60, 37, (
        "Ambré", "Fumé", "Strié", "Terre cuite", "Laiton", "Opale",
    )),
    ("Vase", 45, 110, 38, (
        "Soliflore", "Boule", "Colonne", "Céladon", "Grès noir", "Rainuré",
    )),
    ("Plaid", 90, 150, 41, (
        "Lin naturel", "Laine écrue", "Coton gaufré", "Terracotta",
    )),
    ("Coussin", 40, 70, 39, (
        "Lin naturel", "Ocre", "Bleu nuit", "Sauge", "Écru", "Rayé",
    )),
    ("Coffret", 95, 140, 36, (
        "Découverte", "Hiver", "Jardin", "Duo", "Signature",
    )),
    ("Accessoire", 15, 35, 28, (
        "Mouche-bougie", "Allumettes", "Coupe-mèche", "Plateau", "Cloche en verre",
    )),
)  # fmt: skip
_WITHOUT_COST = (17, 38, 55)
_LAUNCHED_LATE = (11, 43)


class Catalogue:
    """The articles, how popular each is, and which can be bought on a day."""

    def __init__(self, rng: Random, clock: Clock) -> None:
        self.products = _build_products(rng, clock)
        ranks = list(range(len(self.products)))
        rng.shuffle(ranks)
        weights = [1 / (rank + 6) ** 0.9 for rank in ranks]
        for index in _WITHOUT_COST:
            weights[index] = min(weights[index], 0.028)
        self._up_to = tuple(accumulate(weights))
        self._sold_from = {p.product_id: clock.day_of(p.created_at) for p in self.products}
        self.stock_outs = _draw_stock_outs(rng, clock, self.products)

    def draw(self, rng: Random, day: date) -> Product:
        """An article somebody wants and can have on that day."""
        while True:
            product = self.products[bisect(self._up_to, rng.random() * self._up_to[-1])]
            out = self.stock_outs.get(product.product_id)
            if day >= self._sold_from[product.product_id] and (out is None or not out[0] <= day <= out[1]):
                return product


def _build_products(rng: Random, clock: Clock) -> list[Product]:
    products: list[Product] = []
    days = (clock.last_day - clock.first_day).days
    for family, lowest, highest, cost_percent, variants in _FAMILIES:
        for variant in variants:
            number = len(products)
            price = 60 * rng.randint(lowest, highest)
            before_vat = price * 5 // 6
            cost = before_vat * (cost_percent * 10 + rng.randint(-30, 30)) // 10
            late = number in _LAUNCHED_LATE
            since = (
                clock.first_day + timedelta(days=days // 3) if late else clock.first_day - timedelta(days=30)
            )
            products.append(
                Product(
                    product_id=8_120_400_100_000 + 32_768 * number,
                    variant_id=44_310_200_500_000 + 32_768 * number,
                    inventory_item_id=46_400_900_700_000 + 32_768 * number,
                    title=f"{family} {variant}",
                    sku=f"ML-{family[:3].upper()}-{number + 1:03d}",
                    price=price,
                    vat_percent=Decimal(20),
                    unit_cost=None if number in _WITHOUT_COST else cost,
                    created_at=clock.moment(since, 9),
                )
            )
    return products


def _draw_stock_outs(rng: Random, clock: Clock, products: list[Product]) -> dict[int, tuple[date, date]]:
    """Five articles are out for one to three weeks (less in a short history)."""
    days = (clock.last_day - clock.first_day).days + 1
    outs = {}
    for product in rng.sample(products, 5):
        length = min(rng.randint(7, 21), max(1, days // 3))
        first = clock.first_day + timedelta(days=rng.randint(0, days - length))
        outs[product.product_id] = (first, first + timedelta(days=length - 1))
    return outs
