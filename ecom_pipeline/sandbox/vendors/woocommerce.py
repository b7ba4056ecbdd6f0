"""WooCommerce's REST API, version 3, as a running shop answers: the lists of orders, refunds, products, reviews.

Lists are paged by number, at most 100 a page, with the totals in headers. Times are naive, in the site's zone and
once more in UTC (`…_gmt`). An order in the trash, or deleted for good, is simply not there. A host in front of the
site answers in HTML when it is tired. Keys are sent as user and password; a key may read only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Order, Product, Review, Storefront
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.woocommerce_objects import (
    OrderView,
    order_json,
    product_json,
    refund_json,
    review_json,
    view_of,
)
from ecom_pipeline.sandbox.world import World

MOST_A_PAGE = 100
EVERYWHERE = (
    "context",
    "page",
    "per_page",
    "search",
    "exclude",
    "include",
    "offset",
    "order",
    "orderby",
    "_fields",
)
DATED = ("after", "before", "modified_after", "modified_before", "dates_are_gmt")
META = ("include_meta", "exclude_meta")
ARGUMENTS = {
    "orders": (*EVERYWHERE, *DATED, *META, "status", "customer", "product", "dp", "parent", "created_via"),
    "refunds": (*EVERYWHERE, *DATED, *META, "parent", "dp"),
    "products": (*EVERYWHERE, *DATED, *META, "status", "type", "sku"),
    "reviews": (*EVERYWHERE, "after", "before", "product", "status", "reviewer"),
}
ORDERED_BY = {
    "orders": ("date", "id", "modified", "include", "title", "slug"),
    "refunds": ("date", "id", "modified", "include", "title", "slug"),
    "products": ("date", "id", "modified", "include", "title", "slug", "price"),
    "reviews": ("date", "date_gmt", "id", "include", "product"),
}


class Refused(Exception):
    """The request is answered with one of WordPress's errors."""

    def __init__(self, status: int, code: str, message: str, **params: str) -> None:
        super().__init__(message)
        self.answer = error_answer(status, code, message, params)


def instances(world: World, url: str) -> list[Instance]:
    """The WooCommerce shops, each read with a key that may only read."""
    return [
        Instance(
            front.key,
            "woocommerce",
            {"base_url": f"{url}/woocommerce/{front.key}"},
            {
                name: world.secrets[f"woocommerce_{front.key}_{name}"]
                for name in ("consumer_key", "consumer_secret")
            },
        )
        for front in fronts(world)
    ]


def fronts(world: World) -> list[Storefront]:
    """The business's WooCommerce shops."""
    return [front for front in world.shop.business.storefronts if front.platform == "woocommerce"]


def routes(world: World) -> list[BaseRoute]:
    """The sites' addresses in the sandbox."""
    vendor = Vendor("woocommerce", failure)
    found: list[BaseRoute] = []
    for front in fronts(world):
        api = WooCommerce(world, front)
        root = f"/woocommerce/{front.key}/wp-json/wc/v3"
        for path, handler in (
            ("orders", api.orders),
            ("refunds", api.refunds),
            ("products", api.products),
            ("products/reviews", api.reviews),
            ("data/currencies/current", api.currency),
        ):
            found.append(route(world, vendor, f"{root}/{path}", api.guarded(handler)))
    return found


class WooCommerce:
    """One site."""

    def __init__(self, world: World, front: Storefront) -> None:
        self.world = world
        self.front = front
        self.zone = ZoneInfo(front.time_zone)

    def guarded(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            secrets, name = self.world.secrets, f"woocommerce_{self.front.key}"
            pair = f"{secrets[f'{name}_consumer_key']}:{secrets[f'{name}_consumer_secret']}"
            if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return failure("expired_token", 401)
            if self.world.lacks("woocommerce", "read"):
                return error_answer(
                    401,
                    "woocommerce_rest_authentication_error",
                    "The API key provided does not have read permissions.",
                    {},
                )
            if self.world.throttled("woocommerce"):
                return failure("rate_limited", 429)
            try:
                return handler(call)
            except Refused as refused:
                return refused.answer

        return answer

    def orders(self, call: Call) -> Answer:
        asked = arguments(call, "orders")
        status = asked.get("status", "any")
        found = [
            view
            for view in self._orders()
            if status in ("any", view.status) and self._dated(asked, view.order.created_at, view.modified_at)
        ]
        wanted_meta = asked.get("include_meta")
        keys = wanted_meta.split(",") if wanted_meta else None
        found.sort(
            key=lambda view: (
                view.modified_at if asked.get("orderby") == "modified" else view.order.created_at,
                view.order.order_id,
            )
        )
        return self._page(call, asked, found, lambda view: order_json(view, self.zone, keys))

    def refunds(self, call: Call) -> Answer:
        asked = arguments(call, "refunds")
        parents = {int(one) for one in asked["parent"].split(",")} if asked.get("parent") else None
        found = [
            (view, agreement)
            for view in self._orders()
            if parents is None or view.order.order_id in parents
            for agreement in view.refunds
            if self._dated(asked, agreement.at, agreement.at)
        ]
        found.sort(key=lambda pair: (pair[1].at, pair[1].agreement_id))
        return self._page(call, asked, found, lambda pair: refund_json(pair[0], pair[1], self.zone))

    def products(self, call: Call) -> Answer:
        asked, now = arguments(call, "products"), self.world.now()
        found = [
            product
            for product in self.world.shop.products
            if product.storefront == self.front.key
            and product.created_at <= now
            and self._dated(asked, product.created_at, product.created_at)
        ]
        found.sort(key=lambda product: (product.created_at, product.product_id))
        return self._page(call, asked, found, self._product)

    def reviews(self, call: Call) -> Answer:
        asked, now = arguments(call, "reviews"), self.world.now()
        found = [
            review
            for review in self.world.shop.reviews
            if review.platform == "woocommerce"
            and review.product is not None
            and review.product.storefront == self.front.key
            and review.created_at <= now
            and not (review.removed_at is not None and review.removed_at <= now)
            and self._dated(asked, review.created_at, review.created_at)
        ]
        found.sort(key=lambda review: (review.created_at, review.review_id))
        return self._page(call, asked, found, self._review)

    def currency(self, call: Call) -> Answer:
        return Answer({"code": self.front.currency, "name": self.front.currency, "symbol": "¤"})

    def _product(self, product: Product) -> dict[str, Any]:
        return product_json(product, self.zone)

    def _review(self, review: Review) -> dict[str, Any]:
        return review_json(review, self.zone)

    def _orders(self) -> list[OrderView]:
        now = self.world.now()
        return [view_of(order, now) for order in self.world.shop.orders if self._shows(order, now)]

    def _shows(self, order: Order, now: datetime) -> bool:
        deleted = order.deleted_at is not None and order.deleted_at <= now
        return order.storefront == self.front.key and order.created_at <= now and not deleted

    def _dated(self, asked: Mapping[str, str], created_at: datetime, modified_at: datetime) -> bool:
        """Whether both instants lie within the bounds asked for, which are exclusive and of whole seconds."""
        for name, at, is_lower in (
            ("after", created_at, True),
            ("before", created_at, False),
            ("modified_after", modified_at, True),
            ("modified_before", modified_at, False),
        ):
            if name in asked:
                bound, second = self._bound(asked, name), at.replace(microsecond=0)
                if not (second > bound if is_lower else second < bound):
                    return False
        return True

    def _bound(self, asked: Mapping[str, str], name: str) -> datetime:
        try:
            bound = datetime.fromisoformat(asked[name])
        except ValueError:
            raise Refused(
                400, "rest_invalid_param", f"Invalid parameter(s): {name}", **{name: "Invalid date."}
            ) from None
        if bound.tzinfo is None:
            bound = bound.replace(tzinfo=UTC if asked.get("dates_are_gmt") == "true" else self.zone)
        return bound

    def _page(
        self, call: Call, asked: Mapping[str, str], found: list[Any], written: Callable[[Any], dict[str, Any]]
    ) -> Answer:
        if asked.get("order", "desc") == "desc":
            found.reverse()
        number, size = int(asked.get("page", "1")), int(asked.get("per_page", "10"))
        pages = -(-len(found) // size)
        page = [
            only(written(one), asked.get("_fields")) for one in found[(number - 1) * size : number * size]
        ]
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
        series = call.path + "&".join(f"{name}={value}" for name, value in call.query if name != "page")
        return Answer(page, headers=headers, series=series, continues=number > 1)


def arguments(call: Call, resource: str) -> dict[str, str]:
    """The query, checked as the site's schema checks it. Raises Refused."""
    asked: dict[str, str] = {}
    for name, value in call.query:
        if name not in ARGUMENTS[resource]:
            raise AssertionError(
                f"WooCommerce would ignore {name} in silence; no client of ours should ask it"
            )
        asked[name] = value
    for name, most in (("page", None), ("per_page", MOST_A_PAGE)):
        text = asked.get(name, "1")
        if not text.isdigit() or int(text) < 1 or (most is not None and int(text) > most):
            raise Refused(
                400,
                "rest_invalid_param",
                f"Invalid parameter(s): {name}",
                **{name: f"{name} is out of bounds"},
            )
    if asked.get("orderby", "date") not in ORDERED_BY[resource] or asked.get("order", "desc") not in (
        "asc",
        "desc",
    ):
        raise Refused(
            400, "rest_invalid_param", "Invalid parameter(s): orderby", orderby="not one of the allowed"
        )
    return asked


def only(item: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """The item with the fields asked for, nested ones as `billing.email`."""
    if not fields:
        return item
    kept: dict[str, Any] = {}
    for field in fields.split(","):
        outer, _, inner = field.partition(".")
        if outer not in item:
            continue
        if inner:
            kept.setdefault(outer, {})[inner] = item[outer][inner]
        else:
            kept[outer] = item[outer]
    return kept


def error_answer(status: int, code: str, message: str, params: Mapping[str, str] | Iterable[Any]) -> Answer:
    data: dict[str, Any] = {"status": status}
    if params:
        data["params"] = dict(params)
    return Answer({"code": code, "message": message, "data": data}, status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        page = b"<html><head><title>429 Too Many Requests</title></head><body>Slow down.</body></html>"
        return Answer(page, 429, content_type="text/html")
    if kind == "expired_token":
        return error_answer(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", {})
    return error_answer(
        status, "internal_server_error", "There has been a critical error on this website.", {}
    )
