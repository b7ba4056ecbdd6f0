"""PrestaShop's webservice as a shop answers: lists of its resources in JSON, read with a key that may read them.

The key is the user's name of a Basic sign-in, without a password; what it may read is ticked resource by resource.
Without `output_format=JSON` the answer is XML. Times are the shop's own, without a zone; amounts are text with six
decimals. A list without anything in it is an empty list instead of an object.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Order, Product, StockDay, Storefront
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.prestashop_objects import (
    ORDER_STATES,
    OrderView,
    address,
    combination,
    customer,
    detail,
    family,
    history,
    order_object,
    order_rule,
    slip,
    stock_of,
    view_of,
)
from ecom_pipeline.sandbox.vendors.prestashop_query import FIELDS, Item, Refused, error_answer, listed
from ecom_pipeline.sandbox.world import World

XML = b'<?xml version="1.0" encoding="UTF-8"?><prestashop xmlns:xlink="http://www.w3.org/1999/xlink"></prestashop>'


def instances(world: World, url: str) -> list[Instance]:
    """The PrestaShop shops, each read with a key that may only read."""
    return [
        Instance(
            front.key,
            "prestashop",
            {"base_url": f"{url}/prestashop/{front.key}"},
            {"webservice_key": world.secrets[f"prestashop_{front.key}"]},
        )
        for front in fronts(world)
    ]


def fronts(world: World) -> list[Storefront]:
    """The business's PrestaShop shops."""
    return [front for front in world.shop.business.storefronts if front.platform == "prestashop"]


def routes(world: World) -> list[BaseRoute]:
    """The shops' addresses in the sandbox."""
    vendor = Vendor("prestashop", failure)
    return [
        route(world, vendor, f"/prestashop/{front.key}/api/{{resource:str}}", PrestaShop(world, front).answer)
        for front in fronts(world)
    ]


class PrestaShop:
    """One shop."""

    def __init__(self, world: World, front: Storefront) -> None:
        self.world = world
        self.front = front
        self.zone = ZoneInfo(front.time_zone)
        self.resources: dict[str, Callable[[], list[Item]]] = {
            "orders": lambda: [order_object(view, self.zone, self.countries()) for view in self.views()],
            "order_details": lambda: [one for view in self.views() for one in detail(view)],
            "order_slip": lambda: [slip(view, one, self.zone) for view in self.views() for one in view.slips],
            "order_histories": lambda: [one for view in self.views() for one in history(view, self.zone)],
            "order_cart_rules": lambda: [
                one for view in self.views() for one in order_rule(view, self.codes())
            ],
            "order_states": lambda: list(ORDER_STATES),
            "cart_rules": lambda: [
                {"id": at, "code": code, "active": "1"} for at, code in enumerate(self.codes(), start=1)
            ],
            "customers": lambda: list({one["id"]: one for one in map(customer, self.views())}.values()),
            "addresses": lambda: [address(view, self.countries()) for view in self.views()],
            "countries": lambda: [
                {"id": at, "iso_code": code, "active": "1"}
                for at, code in enumerate(self.countries(), start=1)
            ],
            "currencies": lambda: [
                {"id": 1, "iso_code": "USD", "conversion_rate": "1.100000", "active": "1", "deleted": "0"},
                {"id": 2, "iso_code": front.currency, "conversion_rate": "1.000000", "active": "1"},
            ],
            "products": self.products,
            "combinations": self.combinations,
            "stock_availables": self.stock,
        }

    def answer(self, call: Call) -> Answer:
        key = self.world.secrets[f"prestashop_{self.front.key}"]
        if call.headers.get("authorization") != f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}":
            return failure("expired_token", 401)
        if ("output_format", "JSON") not in call.query:
            return Answer(XML, content_type="text/xml;charset=utf-8")
        resource = call.path_params["resource"]
        try:
            return self.list_of(call, resource)
        except Refused as refused:
            return refused.answer

    def list_of(self, call: Call, resource: str) -> Answer:
        if resource not in self.resources:
            raise Refused(400, 27, f'Resource of type "{resource}" does not exists')
        if self.world.lacks("prestashop", resource):
            raise Refused(
                401, 26, f'Resource of type "{resource}" is not allowed with this authentication key'
            )
        if self.world.lacks("prestashop", f"GET {resource}"):
            raise Refused(
                405,
                25,
                f"Method GET is not allowed for the resource {resource} with this authentication key",
            )
        whole = [dict.fromkeys(FIELDS[resource], "") | item for item in self.resources[resource]()]
        return listed(call, resource, whole)

    def views(self) -> list[OrderView]:
        now = self.world.now()
        return [view_of(order, now) for order in self.world.shop.orders if self.shows(order)]

    def shows(self, order: Order) -> bool:
        now = self.world.now()
        deleted = order.deleted_at is not None and order.deleted_at <= now
        return order.storefront == self.front.key and order.created_at <= now and not deleted

    def countries(self) -> list[str]:
        return sorted({order.country for order in self.world.shop.orders})

    def codes(self) -> list[str]:
        """The codes of the shop's discounts; what is off without a code is a discount without one."""
        own = [order for order in self.world.shop.orders if order.storefront == self.front.key]
        return ["", *sorted({order.discount_code for order in own if order.discount_code})]

    def products(self) -> list[Item]:
        active = {stock.product.product_id for stock in self.shelves() if stock.active}
        families = {one.product_id: one for one in self.world.shop.products if self.sells(one)}
        return [family(one, one.product_id in active, self.zone) for one in families.values()]

    def combinations(self) -> list[Item]:
        own = [one for one in self.world.shop.products if self.sells(one)]
        return [combination(one) for one in own if one.variant_id != one.product_id]

    def stock(self) -> list[Item]:
        return stock_of(self.shelves())

    def shelves(self) -> list[StockDay]:
        """The stock at the end of the last local day."""
        closed = self.world.now().astimezone(self.zone).date() - timedelta(days=1)
        return [
            one
            for one in self.world.shop.stock
            if one.day == closed and one.product.storefront == self.front.key
        ]

    def sells(self, product: Product) -> bool:
        return product.storefront == self.front.key and product.created_at <= self.world.now()


def failure(kind: FailureKind, status: int) -> Answer:
    """The webservice's own error, or the page of the host in front of it."""
    if kind == "expired_token":
        return error_answer(401, 20, "Authentification key is not active")
    if status == 500:
        return error_answer(500, 2, "[PHP Error #1] Uncaught Error")
    page = f"<html><head><title>{status}</title></head><body>Try again later.</body></html>"
    return Answer(page.encode(), status, content_type="text/html")
