"""The top-level fields: which entries a list shows, and objects by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.vendors.shopify.access import NODE_SCOPES, RECENT, Access, denied
from ecom_pipeline.sandbox.vendors.shopify.fields_order import financial_status
from ecom_pipeline.sandbox.vendors.shopify.paging import Page, listing_page, sequence_page
from ecom_pipeline.sandbox.vendors.shopify.scalars import gid_number
from ecom_pipeline.sandbox.vendors.shopify.search import SearchField, parse
from ecom_pipeline.sandbox.vendors.shopify.snapshot import Listing, Snapshot

if TYPE_CHECKING:
    from ecom_pipeline.sandbox.vendors.shopify.bulk import BulkOperations

LISTS = ("orders", "abandonedCheckouts", "productVariants", "products", "customers")


def search_fields(root: str, snapshot: Snapshot) -> dict[str, SearchField]:
    """The names of the search syntax that the sandbox understands for a list."""

    def times(**readers: Callable[[Any], datetime]) -> dict[str, SearchField]:
        return {name: SearchField("time", read) for name, read in readers.items()}

    ids = {"id": SearchField("id", IDS[root])}
    if root == "orders":
        return ids | {
            **times(
                created_at=lambda r: r.order.created_at,
                processed_at=lambda r: r.order.created_at,
                updated_at=lambda r: r.updated_at,
            ),
            "test": SearchField("bool", lambda r: r.order.test),
            "name": SearchField("text", lambda r: r.order.name),
            "email": SearchField("text", lambda r: r.order.email),
            "discount_code": SearchField("text", lambda r: r.order.discount_code),
            "financial_status": SearchField("text", lambda r: financial_status(snapshot.view(r))),
            "status": SearchField("text", lambda r: "cancelled" if snapshot.view(r).cancelled_at else "open"),
        }
    if root == "abandonedCheckouts":
        recovered = SearchField("text", lambda r: "recovered" if r.completed_at else "not_recovered")
        return ids | {
            **times(created_at=lambda r: r.checkout.created_at, updated_at=lambda r: r.updated_at),
            "recovery_state": recovered,
        }
    if root == "customers":
        return ids | times(updated_at=lambda r: r.last_order_at, customer_date=lambda r: r.first_order_at)
    if root == "products":
        return ids | times(created_at=lambda r: r.created_at, updated_at=lambda r: r.created_at)
    return ids | {
        **times(updated_at=lambda r: r.created_at),
        "sku": SearchField("text", lambda r: r.sku),
        "product_id": SearchField("id", lambda r: r.product_id),
    }


IDS: Mapping[str, Callable[[Any], int]] = {
    "orders": lambda r: int(r.order.order_id),
    "abandonedCheckouts": lambda r: int(r.checkout.checkout_id),
    "productVariants": lambda r: int(r.variant_id),
    "products": lambda r: int(r.variants[0].product_id),
    "customers": lambda r: int(r.customer.customer_id),
}
SORTS: Mapping[str, Mapping[str, Callable[[Any], datetime]]] = {
    "orders": {
        "UPDATED_AT": lambda r: r.updated_at,
        "CREATED_AT": lambda r: r.order.created_at,
        "PROCESSED_AT": lambda r: r.order.created_at,
    },
    "abandonedCheckouts": {"CREATED_AT": lambda r: r.checkout.created_at},
    "productVariants": {},
    "products": {"CREATED_AT": lambda r: r.created_at, "UPDATED_AT": lambda r: r.created_at},
    "customers": {"CREATED_AT": lambda r: r.first_order_at, "UPDATED_AT": lambda r: r.last_order_at},
}
"""Sort keys by time; every other key sorts by id."""


class Roots:
    """Answers the query root for one request; `warnings` are the search's."""

    def __init__(self, snapshot: Snapshot, now: datetime, access: Access, bulk: BulkOperations) -> None:
        self.snapshot = snapshot
        self.now = now
        self.access = access
        self.bulk = bulk
        self.warnings: list[dict[str, Any]] = []

    def resolve(self, name: str, args: Mapping[str, Any]) -> Any:
        """The value of a root field: a page, a view, or None. Raises GraphQLError."""
        if name in LISTS:
            page = listing_page(self.listing(name, args), args)
            return page._replace(items=[self.snapshot.view(ref) for ref in page.items])
        match name:
            case "shop":
                return self.snapshot
            case "currentAppInstallation":
                return self.access.granted
            case "order" | "bulkOperation" | "node":
                return self.by_id(args["id"])
            case "nodes":
                return [self.by_id(each) for each in args["ids"]]
            case "currentBulkOperation":
                return self.bulk.newest()
            case _:
                return self.operations(args)

    def by_id(self, text: str) -> Any:
        """An order or a bulk operation; None when there is none."""
        if (number := gid_number(text, "BulkOperation")) is not None:
            return self.bulk.poll(number)
        if (number := gid_number(text, "Order")) is None:
            return None
        if NODE_SCOPES["Order"] not in self.access.granted:
            raise denied("node", NODE_SCOPES["Order"])
        ref = self.snapshot.order(number)
        return None if ref is None or self.too_old(ref) else self.snapshot.view(ref)

    def operations(self, args: Mapping[str, Any]) -> Page:
        found = [self.bulk.poll(number) for number in sorted(self.bulk.operations, reverse=True)]
        wanted = [o for o in found if o is not None and status_asked(args.get("query"), o.status)]
        return sequence_page(wanted, args)

    def too_old(self, ref: Any) -> bool:
        return "read_all_orders" not in self.access.granted and ref.order.created_at < self.now - RECENT

    def listing(self, root: str, args: Mapping[str, Any]) -> Listing:
        """The filtered, sorted list, remembered with the snapshot; without read_all_orders not at all."""
        query, sort, reverse = args.get("query") or "", args.get("sortKey") or "ID", bool(args.get("reverse"))
        fields = search_fields(root, self.snapshot)
        search = parse(query, fields, ZoneInfo(self.snapshot.shop.time_zone))
        if search.warnings:
            self.warnings.append({"path": [root], "query": query, "warnings": search.warnings})
        recent_only = root == "orders" and "read_all_orders" not in self.access.granted

        def make() -> Listing:
            matches = search.matches
            kept = [ref for ref in self.snapshot.items(root) if matches(ref)]
            if recent_only:
                kept = [ref for ref in kept if not self.too_old(ref)]
            number, time, sign = IDS[root], SORTS[root].get(sort), -1 if reverse else 1

            def key(ref: Any) -> tuple[int, int]:
                return (sign * int(time(ref).timestamp()) if time else 0, sign * number(ref))

            keyed = sorted(((key(ref), ref) for ref in kept), key=itemgetter(0))
            return Listing([pair[0] for pair in keyed], [pair[1] for pair in keyed])

        return make() if recent_only else self.snapshot.listing((root, query, sort, reverse), make)


def status_asked(query: str | None, status: str) -> bool:
    """Whether a bulk operation fits `status:…`, the one filter of theirs the sandbox knows."""
    asked = [term.partition(":")[2] for term in (query or "").split() if term.startswith("status:")]
    return not asked or status.lower() in (each.lower() for each in asked)
