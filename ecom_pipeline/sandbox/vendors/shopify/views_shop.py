"""Products, customers and checkouts as the API's objects, as of a snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecom_pipeline.sandbox.events import Customer, Product
from ecom_pipeline.sandbox.vendors.shopify.money import Bag, euro_rate, exchange

if TYPE_CHECKING:
    from ecom_pipeline.sandbox.vendors.shopify.snapshot import CheckoutRef, CustomerRef, Snapshot


class ItemView:
    """A variant; also its product and its inventory item, which differ only in their fields."""

    __slots__ = ("facts", "snapshot")

    def __init__(self, facts: Product, snapshot: Snapshot) -> None:
        self.facts = facts
        self.snapshot = snapshot

    @property
    def on_hand(self) -> int:
        """Articles on the shelf, as counted at the last closing; none of one that came since."""
        closing = self.snapshot.closing(self.facts.variant_id)
        return closing.on_hand if closing else 0

    @property
    def is_active(self) -> bool:
        closing = self.snapshot.closing(self.facts.variant_id)
        return closing is None or closing.active

    @property
    def siblings(self) -> list[ItemView]:
        """Every variant of the product."""
        product = self.snapshot.product(self.facts.product_id)
        return [ItemView(p, self.snapshot) for p in (product.variants if product else (self.facts,))]


class CustomerView:
    """A customer, as old as the first order that still exists."""

    __slots__ = ("facts", "snapshot")

    def __init__(self, facts: Customer, snapshot: Snapshot) -> None:
        self.facts = facts
        self.snapshot = snapshot

    @property
    def seen(self) -> CustomerRef | None:
        return self.snapshot.customer(self.facts.customer_id)

    @property
    def address(self) -> dict[str, Any]:
        return {"id": self.facts.customer_id, "country": self.facts.country}


class CheckoutView:
    """A checkout that was left, completed or not."""

    __slots__ = ("completed_at", "facts", "snapshot", "updated_at")

    def __init__(self, ref: CheckoutRef, snapshot: Snapshot) -> None:
        self.facts = ref.checkout
        self.completed_at: datetime | None = ref.completed_at
        self.updated_at: datetime = ref.updated_at
        self.snapshot = snapshot

    @property
    def address(self) -> dict[str, Any]:
        return {"id": self.facts.checkout_id, "country": self.facts.country}

    def bag(self, amount: int) -> Bag:
        """In the shop's currency at the day's published rate: a checkout has no rate of its own."""
        shop, facts = self.snapshot.shop, self.facts
        rate = euro_rate(shop.rates, facts.currency, shop.currency, facts.created_at.date())
        return (amount, exchange(facts.currency, shop.currency, rate))
