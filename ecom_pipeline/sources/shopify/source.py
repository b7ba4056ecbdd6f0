"""The Shopify source: which list feeds which table, in pages or in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from ecom_pipeline.errors import AuthenticationError, ConfigurationError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.http import HttpClient, subject
from ecom_pipeline.sources.retry import Patience, Usage
from ecom_pipeline.sources.shopify import doctor, queries, rows
from ecom_pipeline.sources.shopify.bulk import Group, read_bulk
from ecom_pipeline.sources.shopify.graphql import GraphqlClient, granted_scopes
from ecom_pipeline.sources.shopify.queries import Stream
from ecom_pipeline.sources.shopify.rows import Agreement, Node
from ecom_pipeline.sources.shopify.tables import ABANDONED_CHECKOUTS, ORDERS, TABLES, VARIANTS

PAGED_DAYS = 2  # longer windows are read in bulk from the start
IDS_PER_QUERY = 100
OPEN_TO_ALL = timedelta(days=60)  # how far back read_orders alone reaches

ToRow = Callable[[Node, list[Agreement]], Row]


class ShopifySettings(SourceSettings):
    """One shop. `base_url` is for a proxy or a simulated shop; it is made of the domain otherwise."""

    domain: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$", examples=['"my-shop.myshopify.com"'])
    access_token: SecretStr
    api_version: str = Field(default="2026-10", pattern=r"^20\d\d-(01|04|07|10)$", examples=['"2026-10"'])
    base_url: str | None = None


class ShopifySource(Source):
    """Orders, abandoned checkouts and unit costs of one shop."""

    vendor = "shopify"
    title = "Shopify"
    family = "shops"
    credentials = (
        "An Admin API access token with the scopes read_orders, read_all_orders, read_customers, "
        "read_products and read_inventory; granted in the shop's admin under Settings, Apps, Develop apps, "
        "Configuration."
    )
    Settings = ShopifySettings
    tables: ClassVar[tuple[Table, ...]] = TABLES
    patience = Patience()

    def __init__(self, name: str, settings: Any, context: Any) -> None:
        super().__init__(name, settings, context)
        self.usage = Usage()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        client = self._client(subject(self.name, table, window))
        with client.http:
            if table.name == VARIANTS.name:
                to_row = plain(rows.variant_row)
                yield from self._read(client, queries.VARIANTS, None, in_bulk=False, to_row=to_row)
                return
            self._require_old_orders(client, table, window)
            chosen = queries.changed_filter(window)
            in_bulk = is_long(window)
            if table.name == ORDERS.name:
                yield from self._read(client, queries.ORDERS, chosen, in_bulk=in_bulk, to_row=self._order_row)
            elif table.name == ABANDONED_CHECKOUTS.name:
                to_row = plain(rows.checkout_row)
                yield from self._read(client, queries.CHECKOUTS, chosen, in_bulk=in_bulk, to_row=to_row)
            else:
                raise ValueError(f"Shopify has no table {table.name}")

    def fetch_keys(self, table: Table, window: Window) -> Iterator[str]:
        if table.name != ORDERS.name:
            yield from super().fetch_keys(table, window)
        client = self._client(subject(self.name, table, window))
        with client.http:
            self._require_old_orders(client, table, window)
            chosen = queries.within("created_at", window)
            to_row = plain(lambda node: {"id": node["legacyResourceId"]})
            for row in self._read(client, queries.ORDER_KEYS, chosen, in_bulk=is_long(window), to_row=to_row):
                yield row["id"]

    def check(self) -> list[Finding]:
        try:
            client = self._client(subject(self.name))
        except ConfigurationError as error:
            return [Finding("address", "error", error.what, error.mend)]
        with client.http:
            return doctor.findings(client, self.settings, self.context.time_zone)

    def _client(self, named: str) -> GraphqlClient:
        connect = partial(
            HttpClient,
            self.settings.base_url or f"https://{self.settings.domain}",
            subject=named,
            credentials=self.credentials,
            headers={"X-Shopify-Access-Token": self.settings.access_token},
            patience=self.patience,
            usage=self.usage,
        )
        return GraphqlClient(connect, self.settings.api_version)

    def _require_old_orders(self, client: GraphqlClient, table: Table, window: Window) -> None:
        """Without read_all_orders Shopify leaves old orders out and says nothing: read as if deleted."""
        if table.name != ORDERS.name or window.start_at >= self.context.now() - OPEN_TO_ALL:
            return
        if "read_all_orders" not in granted_scopes(client.run(queries.CHECK)):
            raise client.http.error(
                AuthenticationError,
                "the access token does not reach back to this window.",
                why="Without the scope read_all_orders Shopify shows the orders of the last 60 days only.",
                mend=doctor.grant("read_all_orders"),
            )

    def _order_row(self, node: Node, agreements: list[Agreement]) -> Row:
        return rows.order_row(node, agreements, self.context.pseudonym_key)

    def _read(
        self, client: GraphqlClient, stream: Stream, chosen: str | None, *, in_bulk: bool, to_row: ToRow
    ) -> Iterator[Row]:
        """Rows of the stream: in pages while they are few, else in bulk; each record once."""
        given: set[str] = set()
        unfinished: list[str] = []
        if not in_bulk:
            for node in client.pages(stream, chosen):
                if len(given) >= stream.paged_at_most:
                    break
                record_id = record_of(client, node)
                group = paged_group(client, stream, node)
                if group is None:
                    unfinished.append(rows.number(record_id))
                else:
                    given.add(record_id)
                    yield as_row(client, to_row, group)
            else:
                yield from self._read_unfinished(client, stream, unfinished, to_row)
                return
        for group in read_bulk(client, stream.bulk_query(chosen)):
            if record_of(client, group.node) not in given:
                yield as_row(client, to_row, group)

    def _read_unfinished(
        self, client: GraphqlClient, stream: Stream, ids: list[str], to_row: ToRow
    ) -> Iterator[Row]:
        """Records with more agreements or lines than a page holds, whole: a bulk file cuts nothing."""
        for start in range(0, len(ids), IDS_PER_QUERY):
            part = " OR ".join(f"id:{number}" for number in ids[start : start + IDS_PER_QUERY])
            for group in read_bulk(client, stream.bulk_query(part)):
                yield as_row(client, to_row, group)


def is_long(window: Window) -> bool:
    return (window.last_day - window.first_day).days >= PAGED_DAYS


def plain(to_row: Callable[[Node], Row]) -> ToRow:
    """A row maker for records without agreements."""
    return lambda node, agreements: to_row(node)


def record_of(client: GraphqlClient, node: Node) -> str:
    return client.shaped(lambda: str(node["id"]))


def as_row(client: GraphqlClient, to_row: ToRow, group: Group) -> Row:
    return client.shaped(lambda: to_row(group.node, group.agreements))


def paged_group(client: GraphqlClient, stream: Stream, node: Any) -> Group | None:
    """The record with its nested lists; None when one of them goes on beyond the page."""
    if stream is not queries.ORDERS:
        return Group(node)
    agreements = client.shaped(lambda: rows.agreements_of_page(node))
    return None if agreements is None else Group(node, agreements)
