"""What each list of the shop holds as of an instant, kept between requests while nothing changes.

Between two events the answer is the same whatever the clock says, so a snapshot is remembered by
its place among all instants of the history, not by the instant asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Checkout, Customer, Order, Product, Shop, StockDay, Storefront
from ecom_pipeline.sandbox.vendors.shopify.views import OrderRef, OrderView
from ecom_pipeline.sandbox.vendors.shopify.views_shop import CheckoutView, CustomerView, ItemView

KEPT_SNAPSHOTS = 3
KEPT_LISTS = 12


class CheckoutRef(NamedTuple):
    """A checkout as of the snapshot; completion moves its update time."""

    checkout: Checkout
    completed_at: datetime | None
    updated_at: datetime


class CustomerRef(NamedTuple):
    customer: Customer
    first_order_at: datetime
    last_order_at: datetime
    orders: int


class ProductRef(NamedTuple):
    """A product: its variants share title and id."""

    variants: tuple[Product, ...]

    @property
    def created_at(self) -> datetime:
        return min(variant.created_at for variant in self.variants)


class Listing(NamedTuple):
    """A filtered, sorted list: `keys[i]` is the sort key of `items[i]`, ascending."""

    keys: list[tuple[int, int]]
    items: list[Any]


def instants(order: Order) -> list[datetime]:
    """When something on the order changed, ascending."""
    found = [order.created_at, *(a.at for a in order.agreements)]
    for fulfillment in order.fulfillments:
        found.append(fulfillment.shipped_at)
        if fulfillment.delivered_at is not None:
            found.append(fulfillment.delivered_at)
    found.extend(at for at in (order.voided_at, order.cancelled_at) if at is not None)
    return sorted(found)


class Snapshot:
    """The shop as of `now`; deleted orders and everything that is still to come are absent."""

    def __init__(self, shop: Shop, now: datetime, changes: list[tuple[Order, list[datetime]]]) -> None:
        self.shop = shop
        self.now = now
        self.listings: dict[Any, Listing] = {}
        self.orders = [
            OrderRef(order, at[bisect_right(at, now) - 1])
            for order, at in changes
            if order.created_at <= now and (order.deleted_at is None or order.deleted_at > now)
        ]
        self._lists: dict[str, list[Any]] = {"orders": self.orders}

    def items(self, root: str) -> list[Any]:
        """Everything the root connection can list, unsorted."""
        if root not in self._lists:
            makers: dict[str, Callable[[], list[Any]]] = {
                "abandonedCheckouts": self._checkouts,
                "productVariants": lambda: [p for p in self.shop.products if p.created_at <= self.now],
                "products": self._products,
                "customers": self._customers,
            }
            self._lists[root] = makers[root]()
        return self._lists[root]

    def order(self, order_id: int) -> OrderRef | None:
        return self._orders_by_id.get(order_id)

    @cached_property
    def _orders_by_id(self) -> dict[int, OrderRef]:
        return {ref.order.order_id: ref for ref in self.orders}

    @cached_property
    def _products_by_id(self) -> dict[int, ProductRef]:
        return {ref.variants[0].product_id: ref for ref in self.items("products")}

    @cached_property
    def _customers_by_id(self) -> dict[int, CustomerRef]:
        return {ref.customer.customer_id: ref for ref in self.items("customers")}

    @cached_property
    def _closings(self) -> dict[int, StockDay]:
        closed = self.now.astimezone(ZoneInfo(self.shop.time_zone)).date() - timedelta(days=1)
        return {stock.product.variant_id: stock for stock in self.shop.stock if stock.day == closed}

    def closing(self, variant_id: int) -> StockDay | None:
        """The variant's stock at the end of the last local day."""
        return self._closings.get(variant_id)

    def product(self, product_id: int) -> ProductRef | None:
        return self._products_by_id.get(product_id)

    def customer(self, customer_id: int) -> CustomerRef | None:
        return self._customers_by_id.get(customer_id)

    def view(self, ref: Any) -> Any:
        """The API's object for an entry of one of the lists."""
        match ref:
            case OrderRef():
                return OrderView(ref, self)
            case CheckoutRef():
                return CheckoutView(ref, self)
            case CustomerRef():
                return CustomerView(ref.customer, self)
            case ProductRef():
                return ItemView(ref.variants[0], self)
            case _:
                return ItemView(ref, self)

    def listing(self, key: Any, make: Callable[[], Listing]) -> Listing:
        """The listing under `key`, made once; only the newest few are kept."""
        if key not in self.listings:
            while len(self.listings) >= KEPT_LISTS:
                self.listings.pop(next(iter(self.listings)))
            self.listings[key] = make()
        return self.listings[key]

    def _checkouts(self) -> list[CheckoutRef]:
        found = []
        for checkout in self.shop.checkouts:
            if checkout.created_at <= self.now:
                done = checkout.completed_at
                done = done if done is not None and done <= self.now else None
                found.append(CheckoutRef(checkout, done, done or checkout.created_at))
        return found

    def _products(self) -> list[ProductRef]:
        variants: dict[int, list[Product]] = {}
        for product in self.items("productVariants"):
            variants.setdefault(product.product_id, []).append(product)
        return [ProductRef(tuple(group)) for group in variants.values()]

    def _customers(self) -> list[CustomerRef]:
        seen: dict[int, CustomerRef] = {}
        for order in (ref.order for ref in self.orders):
            if order.customer is not None:
                key, at = order.customer.customer_id, order.created_at
                before = seen.get(key, CustomerRef(order.customer, at, at, 0))
                first, last = min(before.first_order_at, at), max(before.last_order_at, at)
                seen[key] = CustomerRef(order.customer, first, last, before.orders + 1)
        return list(seen.values())


def part_of(shop: Shop, front: Storefront) -> Shop:
    """What one storefront knows of the business; the business itself when it has no other."""
    if len(shop.business.storefronts) == 1:
        return shop
    return replace(
        shop,
        domain=front.domain,
        currency=front.currency,
        time_zone=front.time_zone,
        products=[product for product in shop.products if product.storefront == front.key],
        orders=[order for order in shop.orders if order.storefront == front.key],
        checkouts=[checkout for checkout in shop.checkouts if checkout.storefront == front.key],
        stock=[stock for stock in shop.stock if stock.product.storefront == front.key],
    )


def closings(shop: Shop) -> set[datetime]:
    """The midnights from which another day's stock is shown."""
    zone = ZoneInfo(shop.time_zone)
    days = {stock.day + timedelta(days=1) for stock in shop.stock}
    return {datetime.combine(day, time(), zone).astimezone(UTC) for day in days}


class History:
    """Makes snapshots of one of the business's shops and remembers the last few."""

    def __init__(self, shop: Shop, front: Storefront) -> None:
        self._whole = shop
        self._front = front
        self.shop = part_of(shop, front)
        self._built_from: tuple[int, ...] = ()
        self._changes: list[tuple[Order, list[datetime]]] = []
        self._instants: list[datetime] = []
        self._snapshots: dict[int, Snapshot] = {}

    def at(self, now: datetime) -> Snapshot:
        """The shop as of `now`; the same object while nothing has changed in between."""
        self._index()
        place = bisect_right(self._instants, now)
        if place not in self._snapshots:
            while len(self._snapshots) >= KEPT_SNAPSHOTS:
                self._snapshots.pop(next(iter(self._snapshots)))
            self._snapshots[place] = Snapshot(self.shop, now, self._changes)
        return self._snapshots[place]

    def _index(self) -> None:
        """Sort the instants once, and again when a test has added facts to the shop."""
        whole = self._whole
        size = (len(whole.orders), len(whole.checkouts), len(whole.products))
        if size == self._built_from:
            return
        self.shop = part_of(whole, self._front)
        self._changes = [(order, instants(order)) for order in self.shop.orders]
        every = {at for _, changes in self._changes for at in changes}
        every.update(order.deleted_at for order in self.shop.orders if order.deleted_at is not None)
        every.update(checkout.created_at for checkout in self.shop.checkouts)
        every.update(c.completed_at for c in self.shop.checkouts if c.completed_at is not None)
        every.update(product.created_at for product in self.shop.products)
        every.update(closings(self.shop))
        self._instants = sorted(every)
        self._snapshots.clear()
        self._built_from = size
