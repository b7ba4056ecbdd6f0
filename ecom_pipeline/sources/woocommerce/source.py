"""WooCommerce as a source: one site, read with a key that may only read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import SecretStr

from ecom_pipeline.errors import EcomError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, subject
from ecom_pipeline.sources.pagination import by_page_number
from ecom_pipeline.sources.woocommerce.tables import (
    META,
    ORDER_FIELDS,
    ORDERS,
    PRODUCT_FIELDS,
    PRODUCTS,
    REFUND_FIELDS,
    REVIEW_FIELDS,
    REVIEWS,
    order_row,
    product_row,
    review_row,
)

PAGE = 100
PASSES = 5
REVENUE = ("processing", "on-hold", "completed", "refunded")
KEYS_PAGE = "WooCommerce, Settings, Advanced, REST API"
SECOND = timedelta(seconds=1)


class WooCommerceSettings(SourceSettings):
    """One site. `revenue_statuses` are those of orders that count; a plugin's own status is added here."""

    consumer_key: SecretStr
    consumer_secret: SecretStr
    base_url: str
    revenue_statuses: tuple[str, ...] = REVENUE


class WooCommerce(Source):
    """Orders, refunds, products and reviews of one WooCommerce site."""

    vendor = "woocommerce"
    title = "WooCommerce"
    family = "shops"
    credentials = (
        f"A REST API key with the permission Read, made under {KEYS_PAGE}; base_url is the site's address."
    )
    Settings = WooCommerceSettings
    tables = (ORDERS, PRODUCTS, REVIEWS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            if table.name == ORDERS.name:
                yield from self._orders(http, window, named)
            elif table.name == PRODUCTS.name:
                yield from self._products(http, named)
            else:
                for item in self._items(
                    http, "products/reviews", {"_fields": ",".join(REVIEW_FIELDS)}, named
                ):
                    yield review_row(Fields(item, "review", named))

    def fetch_keys(self, table: Table, window: Window) -> Iterator[str]:
        if table.name != ORDERS.name:
            yield from super().fetch_keys(table, window)
        named = subject(self.name, table, window)
        params = _bounds("", window.start_at, window.end_at) | {"_fields": "id", "status": "any"}
        with self._client(named) as http:
            for item in self._items(http, "orders", params, named):
                yield str(Fields(item, "order", named).integer("id"))

    def check(self) -> list[Finding]:
        found = []
        try:
            with self._client(self.name) as http:
                for path, what in (
                    ("orders", "Orders"),
                    ("products", "Products"),
                    ("products/reviews", "Reviews"),
                ):
                    http.get_json(_path(path), {"per_page": 1, "_fields": "id"})
                    found.append(Finding(f"{self.name}, {path}", "ok", f"{what} can be read."))
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}", error.mend)]
        return found

    def _orders(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        params: dict[str, Any] = {
            "status": "any",
            "include_meta": ",".join(META),
            "_fields": ",".join(ORDER_FIELDS),
            **_bounds("modified_", window.start_at, None if window.reaches_newest else window.end_at),
        }
        key, revenue = self.context.pseudonym_key, self.settings.revenue_statuses
        for page in self._pages(http, "orders", params, named):
            orders = [Fields(item, "order", named) for item in page]
            refunds = self._refunds(http, orders, named)
            for order in orders:
                yield order_row(order, refunds.get(order.integer("id"), ()), revenue, key)

    def _refunds(self, http: HttpClient, orders: Sequence[Fields], named: str) -> Mapping[int, list[Fields]]:
        """The refunds of a page of orders, by order: an order itself names their sums only."""
        parents = [str(order.integer("id")) for order in orders if order.items("refunds")]
        found: dict[int, list[Fields]] = {}
        if parents:
            params = {"parent": ",".join(parents), "_fields": ",".join(REFUND_FIELDS)}
            for item in self._items(http, "refunds", params, named):
                refund = Fields(item, "refund", named)
                found.setdefault(refund.integer("parent_id"), []).append(refund)
        return found

    def _products(self, http: HttpClient, named: str) -> Iterator[Row]:
        site = Fields(http.get_json(_path("data/currencies/current")), "currency", named)
        currency, params = site.text("code"), {"_fields": ",".join(PRODUCT_FIELDS)}
        for item in self._items(http, "products", params, named):
            product = Fields(item, "product", named)
            number, name = product.integer("id"), product.text("name")
            if not product.items("variations"):
                yield product_row(product, number, name, currency)
                continue
            for one in self._items(http, f"products/{number}/variations", params, named):
                variation = Fields(one, "variation", named)
                yield product_row(variation, variation.integer("id"), name, currency)

    def _items(self, http: HttpClient, path: str, params: Mapping[str, Any], named: str) -> Iterator[Any]:
        for page in self._pages(http, path, params, named):
            yield from page

    def _pages(
        self, http: HttpClient, path: str, params: Mapping[str, Any], named: str
    ) -> Iterator[Sequence[Any]]:
        """All pages of a list, the newest items first, by the only thing no two of them share: their number.

        A new item comes to the front, and the others are met twice. One that leaves the list moves them to earlier
        pages, past the reader; then fewer are announced, and everything is read again.
        """
        for _ in range(PASSES):
            totals: list[int] = []

            def page_at(number: int, totals: list[int] = totals) -> tuple[Sequence[Any], int | None]:
                page, total = self._page(http, path, params, number, named)
                totals.append(total)
                return [page] if page else [], number + 1 if number * PAGE < total else None

            yield from by_page_number(page_at, named)
            if min(totals) == totals[0]:
                return
        raise SourceError(
            f"{named}: the list of {path} kept changing while it was read.",
            why=f"It was read {PASSES} times, and each time items left it.",
            mend="Run this window again later.",
        )

    def _page(
        self, http: HttpClient, path: str, params: Mapping[str, Any], number: int, named: str
    ) -> tuple[list[Any], int]:
        page, headers = http.get_page(
            _path(path), {**params, "per_page": PAGE, "page": number, "orderby": "id", "order": "desc"}
        )
        total = headers.get("X-WP-Total", "")
        if not isinstance(page, list) or not total.isdigit():
            raise SourceError(
                f"{named}: the site's answer is no list of {path}.",
                why="A plugin or the host in front of the site changed the answer.",
                mend=f"Open {KEYS_PAGE} and check that the REST API answers.",
            )
        return page, int(total)

    def _client(self, named: str) -> HttpClient:
        key, secret = self.settings.consumer_key, self.settings.consumer_secret
        token = base64.b64encode(f"{key.get_secret_value()}:{secret.get_secret_value()}".encode()).decode()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Basic {token}")},
            secrets=[key, secret, token],
            explain=_explained,
            patience=self.patience,
        )


def _path(resource: str) -> str:
    return f"wp-json/wc/v3/{resource}"


def _bounds(kind: str, start_at: datetime, end_at: datetime | None) -> dict[str, str]:
    """Instants from the start (included) to the end (excluded); the API's own bounds are both excluded."""
    bounds = {f"{kind}after": f"{start_at - SECOND:%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}
    return bounds if end_at is None else bounds | {f"{kind}before": f"{end_at:%Y-%m-%dT%H:%M:%S}"}


def _explained(body: Any) -> str:
    """The code of WordPress's errors; their message may quote what was asked."""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
