"""WooCommerce's REST API, version 3, as a running shop answers: the lists of orders, refunds, products, reviews.

Lists are paged by number, at most 100 a page, with the totals in headers. Times are naive, in the site's zone and
once more in UTC (`…_gmt`). An order in the trash, or deleted for good, is simply not there. A host in front of the
site answers in HTML when it is tired or down. Keys are sent as user and password; a key may read only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Agreement, Order, Product, Review, Storefront
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.woocommerce_objects import (
    OrderView,
    order_json,
    product_json,
    refund_json,
    review_json,
    variation_json,
    view_of,
)
from ecom_pipeline.sandbox.vendors.woocommerce_query import (
    Refused,
    arguments,
    arranged,
    error_answer,
    invalid,
    page_of,
)
from ecom_pipeline.sandbox.world import World


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
            ("products/{product_id:int}/variations", api.variations),
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
                )
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

        def instants(view: OrderView) -> tuple[datetime, datetime]:
            return view.order.created_at, view.modified_at

        views = arranged(asked, found, instants, lambda view: view.order.order_id)
        return page_of(call, asked, views, lambda view: order_json(view, self.zone, keys))

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

        def instants(pair: tuple[OrderView, Agreement]) -> tuple[datetime, datetime]:
            return pair[1].at, pair[1].at

        pairs = arranged(asked, found, instants, lambda pair: pair[1].refund_id or 0)
        return page_of(call, asked, pairs, lambda pair: refund_json(*pair, self.zone))

    def products(self, call: Call) -> Answer:
        asked = arguments(call, "products")
        families: dict[int, list[Product]] = {}
        for article in self._articles(asked):
            families.setdefault(article.product_id, []).append(article)

        def instants(articles: list[Product]) -> tuple[datetime, datetime]:
            return articles[0].created_at, articles[0].created_at

        found = arranged(asked, families.values(), instants, lambda articles: articles[0].product_id)
        return page_of(call, asked, found, lambda articles: product_json(articles, self.zone))

    def variations(self, call: Call) -> Answer:
        asked, parent = arguments(call, "variations"), int(call.path_params["product_id"])
        below = [one for one in self._articles(asked) if parent == one.product_id != one.variant_id]

        def instants(article: Product) -> tuple[datetime, datetime]:
            return article.created_at, article.created_at

        found = arranged(asked, below, instants, lambda article: article.variant_id)
        return page_of(call, asked, found, lambda article: variation_json(article, self.zone))

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

        def instants(review: Review) -> tuple[datetime, datetime]:
            return review.created_at, review.created_at

        reviews = arranged(asked, found, instants, lambda review: review.review_id)
        return page_of(call, asked, reviews, lambda review: review_json(review, self.zone))

    def currency(self, call: Call) -> Answer:
        return Answer({"code": self.front.currency, "name": self.front.currency, "symbol": "¤"})

    def _articles(self, asked: Mapping[str, str]) -> list[Product]:
        now = self.world.now()
        return [
            product
            for product in self.world.shop.products
            if product.storefront == self.front.key
            and product.created_at <= now
            and self._dated(asked, product.created_at, product.created_at)
        ]

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
            raise invalid(name, "Invalid date.") from None
        if bound.tzinfo is None:
            bound = bound.replace(tzinfo=UTC if asked.get("dates_are_gmt") == "true" else self.zone)
        return bound


def failure(kind: FailureKind, status: int) -> Answer:
    """WordPress's own error, or the page of the host in front of it."""
    if kind == "expired_token":
        return error_answer(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    if status == 500:
        return error_answer(500, "internal_server_error", "There has been a critical error on this website.")
    page = f"<html><head><title>{status}</title></head><body>Try again later.</body></html>"
    return Answer(page.encode(), status, content_type="text/html")
