"""Every text that is sent to Shopify, and what it costs by the vendor's documented rule.

The same fields are asked for in pages and in bulk, so that both ways give the same rows. Connections
stand nowhere inside a list, and bulk needs at most five of them, two levels below the root.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from ecom_pipeline.sources.contract import Window

MOST_PER_PAGE = 250
MOST_POINTS = 1000  # one query's limit
AGREEMENTS, SALES, REFUNDED = 2, 6, 3  # nested page sizes: what most orders need

LINE_ITEM = "lineItem { id title variant { legacyResourceId } }"
SALE = f"""
    id lineType quantity
    totalAmount {{ presentmentMoney {{ amount currencyCode }} }}
    totalTaxAmount {{ presentmentMoney {{ amount }} }}
    totalDiscountAmountBeforeTaxes {{ presentmentMoney {{ amount }} }}
    ... on ProductSale {{ {LINE_ITEM} }}
    ... on GiftCardSale {{ {LINE_ITEM} }}
    ... on TipSale {{ {LINE_ITEM} }}
"""
REFUND_LINE = "id quantity restockType lineItem { id variant { legacyResourceId } }"
COUNTRIES = "shippingAddress { countryCodeV2 } billingAddress { countryCodeV2 }"
ORDER = f"""
    id legacyResourceId name createdAt updatedAt cancelledAt test
    displayFinancialStatus presentmentCurrencyCode discountCode email
    customer {{ defaultEmailAddress {{ emailAddress }} }}
    {COUNTRIES}
    customAttributes {{ key value }}
    customerJourneySummary {{
      lastVisit {{ referrerUrl utmParameters {{ source medium campaign }} }}
    }}
    fulfillments {{ legacyResourceId status createdAt deliveredAt }}
"""
CHECKOUT = f"id createdAt updatedAt completedAt customAttributes {{ key value }} {COUNTRIES}"
VARIANT = (
    "id legacyResourceId inventoryQuantity product { title status } "
    "inventoryItem { tracked unitCost { amount currencyCode } }"
)


def order_fields(in_bulk: bool) -> str:
    """An order with its agreements, their sales, and what refunds brought back."""
    refunded = nested("refundLineItems", REFUNDED, REFUND_LINE, in_bulk)
    agreement = f"""
        __typename id happenedAt
        ... on RefundAgreement {{ refund {{ id legacyResourceId {refunded} }} }}
        {nested("sales", SALES, SALE, in_bulk)}
    """
    return ORDER + nested("agreements", AGREEMENTS, agreement, in_bulk)


def nested(name: str, first: int, fields: str, in_bulk: bool) -> str:
    if in_bulk:
        return f"{name} {{ edges {{ node {{ {fields} }} }} }}"
    return f"{name}(first: {first}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage }} }}"


@dataclass(frozen=True)
class Stream:
    """One list of the API as we read it: fields in pages and in bulk.

    `node_points` is the documented price of one entry: an object one point, a connection its entries;
    `paged_at_most` is how many entries are read in pages before a bulk operation is the better way.
    """

    root: str
    sort_key: str
    paged_fields: str
    bulk_fields: str
    node_points: int
    paged_at_most: int

    @property
    def page_size(self) -> int:
        """How many entries one query may ask for by the documented rule (root and pageInfo set aside)."""
        return min(MOST_PER_PAGE, (MOST_POINTS - 5) // self.node_points)

    @property
    def paged_query(self) -> str:
        return f"""query Page($filter: String, $first: Int!, $after: String) {{
  {self.root}(query: $filter, first: $first, after: $after, sortKey: {self.sort_key}) {{
    nodes {{ {self.paged_fields} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

    def bulk_query(self, filter_text: str | None) -> str:
        chosen = "" if filter_text is None else f"(query: {json.dumps(filter_text)})"
        return f"{{ {self.root}{chosen} {{ edges {{ node {{ {self.bulk_fields} }} }} }} }}"


ORDERS = Stream("orders", "UPDATED_AT", order_fields(False), order_fields(True), 140, 250)
ORDER_KEYS = Stream("orders", "CREATED_AT", "id legacyResourceId", "id legacyResourceId", 1, 2500)
CHECKOUTS = Stream("abandonedCheckouts", "CREATED_AT", CHECKOUT, CHECKOUT, 4, 1000)
VARIANTS = Stream("productVariants", "ID", VARIANT, VARIANT, 4, 1000)
STREAMS = (ORDERS, ORDER_KEYS, CHECKOUTS, VARIANTS)

START_BULK = """mutation StartBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id status }
    userErrors { code message }
  }
}"""
POLL_BULK = """query PollBulk($id: ID!) {
  bulkOperation(id: $id) { id status errorCode rootObjectCount fileSize url }
}"""
CANCEL_BULK = """mutation CancelBulk($id: ID!) {
  bulkOperationCancel(id: $id) { userErrors { message } }
}"""
CHECK = """query Check {
  shop { name myshopifyDomain ianaTimezone currencyCode }
  currentAppInstallation { accessScopes { handle } }
}"""


def changed_filter(window: Window) -> str:
    """Records of a LOG window: changed since its start when it is open, else created or changed in it."""
    if window.reaches_newest:
        return f"updated_at:>='{instant(window.start_at)}'"
    return f"({within('created_at', window)}) OR ({within('updated_at', window)})"


def within(term: str, window: Window) -> str:
    """The search term between the window's first instant and its exclusive end."""
    return f"{term}:>='{instant(window.start_at)}' AND {term}:<'{instant(window.end_at)}'"


def instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
