"""Which of the business's shops an order is placed in, and what an article is called there.

The same people buy in all of them: who lives in the United States mostly in the American shop, the others now
and then in the second French one. A business with a single shop draws nothing here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random

from ecom_pipeline.sandbox.events import Business, Product, Storefront
from ecom_pipeline.sandbox.generator.people import Person

_AT_HOME = 0.85  # of the orders from a shop's own country outside the euro area
_ELSEWHERE = 0.12  # of the orders in euro areas, when there is a second shop for them
DOLLARS_PER_EURO = Decimal("1.10")  # by which the American shop set its prices and costs
_FIRST = {
    "woocommerce": (10_001, 7),
    "prestashop": (1_000_001, 1),
}  # an order's number, and the step to the next
_ARTICLES = {"woocommerce": (201, 3), "prestashop": (5_001, 1)}
_VARIABLE, _VARIATIONS = 200, range(12, 18)  # the big candles, in a shop that sells them as one product
# A platform without a log of agreements cannot tell when an order was edited, nor why money went back; one
# without gift cards, tips and test orders has none.
_UNTOLD = {
    "woocommerce": {
        "test": "plain", "gift_card_only": "plain", "gift_card_beside": "plain", "tip": "plain",
        "edit_add": "plain", "edit_remove": "plain", "cancel_before": "return", "cancel_after": "return",
        "return_broken": "return", "return_then_goodwill": "return", "goodwill": "plain",
        "delete_cancelled": "delete_paid",
    },
    "prestashop": {
        "test": "plain", "gift_card_only": "plain", "gift_card_beside": "plain", "tip": "plain",
        "edit_add": "plain", "edit_remove": "plain", "cancel_after": "return", "return_broken": "return",
        "return_then_goodwill": "return", "goodwill": "plain",
    },
}  # fmt: skip


class Storefronts:
    """Deals orders to the shops and keeps each shop's own articles and numbers."""

    def __init__(self, rng: Random, business: Business, products: list[Product]) -> None:
        self._rng = rng
        self._fronts = {front.key: front for front in business.storefronts}
        self._main = business.storefronts[0]
        self._numbers: Counter[str] = Counter()
        self.articles = {
            front.key: {
                product.product_id: _as_sold_in(front, product, at) for at, product in enumerate(products)
            }
            for front in business.storefronts[1:]
        }

    @property
    def products(self) -> list[Product]:
        """What the shops beside the main one sell."""
        return [product for articles in self.articles.values() for product in articles.values()]

    def choose(self, person: Person) -> Storefront:
        """Where a person buys this time."""
        if len(self._fronts) == 1:
            return self._main
        chance, place = self._rng.random(), person.place
        for front in self._fronts.values():
            if (
                front.currency != self._main.currency
                and place.currency == front.currency
                and chance < _AT_HOME
            ):
                return front
            if front is not self._main and place.currency == front.currency and chance < _ELSEWHERE:
                return front
        return self._main

    def article(self, front: Storefront, product: Product) -> Product:
        """The article under the numbers, and at the cost, it has in a shop."""
        return self.articles[front.key][product.product_id] if front is not self._main else product

    def story(self, front: Storefront, story: str) -> str:
        """The story as far as the shop's platform can tell it."""
        return _UNTOLD.get(front.platform, {}).get(story, story)

    def own_order_id(self, front: Storefront, order_id: int) -> int:
        """The number the shop's platform gives the order."""
        if front.platform not in _FIRST:
            return order_id
        first, step = _FIRST[front.platform]
        return first + step * self._numbers[front.key]

    def name(self, front: Storefront, order_id: int) -> str:
        """What people call the next order of a shop; each shop counts its own."""
        number = 1001 + self._numbers[front.key]
        self._numbers[front.key] += 1
        if front.platform == "woocommerce":
            return str(order_id)
        if front.platform == "prestashop":
            return _letters(order_id)
        return f"#{number}" if front is self._main else f"#{front.key.removeprefix('shop_').upper()}{number}"


def _as_sold_in(front: Storefront, product: Product, at: int) -> Product:
    if front.platform in _ARTICLES:
        first, step = _ARTICLES[front.platform]
        number = first + step * at
        parent = _VARIABLE if at in _VARIATIONS else number
        return replace(
            product, product_id=parent, variant_id=number, inventory_item_id=number, storefront=front.key
        )
    rate = DOLLARS_PER_EURO if front.currency == "USD" else Decimal(1)
    return replace(
        product,
        product_id=product.product_id + 1_000_000_000,
        variant_id=product.variant_id + 1_000_000_000,
        inventory_item_id=product.inventory_item_id + 1_000_000_000,
        price=int(product.price * rate),
        unit_cost=None if product.unit_cost is None else int(product.unit_cost * rate),
        storefront=front.key,
    )


def _letters(order_id: int) -> str:
    """Nine capital letters, in which no order to the eye follows another."""
    rest, found = order_id * 1_000_003 % 26**9, ""
    for _ in range(9):
        rest, letter = divmod(rest, 26)
        found += chr(ord("A") + letter)
    return found
