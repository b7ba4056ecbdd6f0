"""Turns the API's objects into rows: only the declared columns, e-mails pseudonymised at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ecom_pipeline.sources.contract import Row
from ecom_pipeline.sources.pseudonym import pseudonym

Node = Mapping[str, Any]

ACTIONS = {
    "OrderAgreement": "sale",
    "OrderEditAgreement": "edit",
    "RefundAgreement": "refund",
    "ReturnAgreement": "refund",
}
DEVICES = frozenset(("mobile", "desktop", "tablet"))


@dataclass
class Agreement:
    """An agreement with its lines, gathered from a page or from the lines of a bulk file."""

    node: Node
    sales: list[Node] = field(default_factory=list)
    refund_lines: list[Node] = field(default_factory=list)


def agreements_of_page(order: Node) -> list[Agreement] | None:
    """The order's agreements, or None when one of its nested lists goes on beyond the page."""
    found: list[Agreement] = []
    lists = [order["agreements"]]
    for node in order["agreements"]["nodes"]:
        agreement = Agreement(node, node["sales"]["nodes"])
        lists.append(node["sales"])
        if "refund" in node:
            agreement.refund_lines = node["refund"]["refundLineItems"]["nodes"]
            lists.append(node["refund"]["refundLineItems"])
        found.append(agreement)
    return None if any(nested["pageInfo"]["hasNextPage"] for nested in lists) else found


def order_row(order: Node, agreements: Sequence[Agreement], key: bytes) -> Row:
    """An order's row with its children."""
    customer = (order["customer"] or {}).get("defaultEmailAddress") or {}
    visit = (order["customerJourneySummary"] or {}).get("lastVisit") or {}
    utm = visit.get("utmParameters") or {}
    return {
        "id": order["legacyResourceId"],
        "name": order["name"],
        "created_at": instant(order["createdAt"]),
        "updated_at": instant(order["updatedAt"]),
        "cancelled_at": instant(order["cancelledAt"]),
        "is_test": order["test"],
        "financial_status": order["displayFinancialStatus"],
        "currency": order["presentmentCurrencyCode"],
        "customer": pseudonym(order["email"], key) or pseudonym(customer.get("emailAddress"), key),
        "country": country(order),
        "device": device(order["customAttributes"]),
        "utm_source": utm.get("source"),
        "utm_medium": utm.get("medium"),
        "utm_campaign": utm.get("campaign"),
        "referrer_host": host(visit.get("referrerUrl")),
        "discount_code": order["discountCode"],
        "sale_lines": [sale_row(sale, a.node) for a in agreements for sale in a.sales],
        "restocks": [restock_row(line, a.node) for a in agreements for line in a.refund_lines],
        "fulfillments": [fulfillment_row(node) for node in order["fulfillments"]],
    }


def sale_row(sale: Node, agreement: Node) -> Row:
    """One line of an agreement as a row of `sale_lines`."""
    item = sale.get("lineItem")
    total = sale["totalAmount"]["presentmentMoney"]
    return {
        "id": number(sale["id"]),
        "agreement_id": number(agreement["id"]),
        "happened_at": instant(agreement["happenedAt"]),
        "action": ACTIONS[agreement["__typename"]],
        "line_type": sale["lineType"].lower(),
        "line_item_id": number(item["id"]) if item else None,
        "variant_id": variant_id(item) if item else None,
        "title": item["title"] if item else None,
        "quantity": sale["quantity"],
        "currency": total["currencyCode"],
        "total_amount": total["amount"],
        "total_tax": sale["totalTaxAmount"]["presentmentMoney"]["amount"],
        "discount_before_taxes": sale["totalDiscountAmountBeforeTaxes"]["presentmentMoney"]["amount"],
    }


def restock_row(line: Node, agreement: Node) -> Row:
    """One line of a refund as a row of `restocks`."""
    item = line["lineItem"]
    refund_id = agreement["refund"]["legacyResourceId"]
    # The schema allows a refund line without an id; a line item then stands once per way of restocking.
    own_id = number(line["id"]) if line["id"] else f"{refund_id}-{number(item['id'])}-{line['restockType']}"
    return {
        "id": own_id,
        "refund_id": refund_id,
        "happened_at": instant(agreement["happenedAt"]),
        "line_item_id": number(item["id"]),
        "variant_id": variant_id(item),
        "quantity": line["quantity"],
        "restock_type": line["restockType"],
    }


def fulfillment_row(node: Node) -> Row:
    return {
        "id": node["legacyResourceId"],
        "status": node["status"],
        "created_at": instant(node["createdAt"]),
        "delivered_at": instant(node["deliveredAt"]),
    }


def checkout_row(node: Node) -> Row:
    return {
        "id": number(node["id"]),
        "created_at": instant(node["createdAt"]),
        "updated_at": instant(node["updatedAt"]),
        "completed_at": instant(node["completedAt"]),
        "device": device(node["customAttributes"]),
        "country": country(node),
    }


def variant_row(node: Node) -> Row:
    """A variant as it is today."""
    item = node["inventoryItem"]
    cost = item["unitCost"] or {"amount": None, "currencyCode": None}
    return {
        "id": node["legacyResourceId"],
        "title": node["product"]["title"],
        "unit_cost": cost["amount"],
        "currency": cost["currencyCode"],
        # Of an article that nobody counts, the quantity means nothing.
        "on_hand": node["inventoryQuantity"] if item["tracked"] else None,
        "is_active": node["product"]["status"] == "ACTIVE",
    }


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def number(gid: str) -> str:
    """The plain number at the end of a global id; what may follow it after a question mark is dropped."""
    return gid.rpartition("/")[2].partition("?")[0]


def variant_id(item: Node) -> str | None:
    """The article's variant; None once it was deleted from the catalogue."""
    return item["variant"]["legacyResourceId"] if item["variant"] else None


def country(node: Node) -> str | None:
    """Where it was sent, else where the bill went."""
    for name in ("shippingAddress", "billingAddress"):
        address = node[name]
        if address and address["countryCodeV2"]:
            return str(address["countryCodeV2"])
    return None


def device(attributes: Sequence[Node]) -> str | None:
    """The device the shop's theme noted; any other attribute may be personal and is passed over."""
    for attribute in attributes:
        if attribute["key"] == "device":
            named = (attribute["value"] or "").strip().lower()
            return named if named in DEVICES else None
    return None


@lru_cache(maxsize=1024)
def host(url: str | None) -> str | None:
    """A URL's host: its path and query may tell who the visitor is."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None
