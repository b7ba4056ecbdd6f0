"""WooCommerce's streams, and what is kept of an order.

Only the fields named here are asked for: of the buyer the e-mail (hashed on arrival) and the country, of the meta
data what the site noted of the visit. Money is text in the order's currency, excluding tax; a refund's lines are
negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ecom_pipeline.sources.contract import Change, Child, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.pseudonym import pseudonym

DEVICES = frozenset(("mobile", "desktop", "tablet"))
ATTRIBUTION = "_wc_order_attribution_"
# Without the referrer: where a link bears no utm, the site itself names source and medium after it.
META = tuple(f"{ATTRIBUTION}{name}" for name in ("utm_source", "utm_medium", "utm_campaign", "device_type"))
ORDER_FIELDS = (
    "id", "number", "status", "currency", "date_created_gmt", "date_modified_gmt", "date_completed_gmt",
    "billing.email", "billing.country", "shipping.country", "line_items", "shipping_lines", "fee_lines",
    "coupon_lines", "refunds", "meta_data",
)  # fmt: skip
REFUND_FIELDS = ("id", "parent_id", "date_created_gmt", "amount", "line_items", "shipping_lines", "fee_lines")
PRODUCT_FIELDS = ("id", "name", "type", "variations", "cost_of_goods_sold")
REVIEW_FIELDS = ("id", "date_created_gmt", "product_id", "product_name", "status", "rating", "verified")

ORDERS = Table(
    name="orders",
    grain="One order with its lines, refunds and day of completion, in its present state.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    swept=True,
    columns=(
        Column("id", Type.STRING, required=True),
        Column("number", Type.STRING),
        Column("status", Type.STRING, required=True),
        Column("is_revenue", Type.BOOLEAN, required=True),
        Column("currency", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("completed_at", Type.TIMESTAMP),
        Column("customer", Type.STRING),
        Column("country", Type.STRING),
        Column("device", Type.STRING),
        Column("utm_source", Type.STRING),
        Column("utm_medium", Type.STRING),
        Column("utm_campaign", Type.STRING),
        Column("discount_code", Type.STRING),
    ),
    children=(
        Child(
            "lines",
            "One line of an order or of a refund: an article, shipping, or an amount without either.",
            ("line_id",),
            (
                Column("line_id", Type.STRING, required=True),
                Column("refund_id", Type.STRING),
                Column("happened_at", Type.TIMESTAMP, required=True),
                Column("kind", Type.STRING, required=True),
                Column("product_id", Type.STRING),
                Column("product", Type.STRING),
                Column("quantity", Type.INTEGER, required=True),
                Column("subtotal", Type.DECIMAL, required=True),
                Column("total", Type.DECIMAL, required=True),
                Column("tax", Type.DECIMAL, required=True),
            ),
        ),
    ),
    docs="WooCommerce REST API v3, Orders and Refunds: amounts as text without tax, refunds' lines negative; "
    "times once in the site's zone and once in UTC.",
)
PRODUCTS = Table(
    name="products",
    grain="One product, or one variation of a product, with its cost as it is today.",
    change=Change.SNAPSHOT,
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("name", Type.STRING),
        Column("unit_cost", Type.DECIMAL),
        Column("currency", Type.STRING, required=True),
    ),
    docs="WooCommerce REST API v3, Products and Product variations; the cost is there when the site has Cost of "
    "Goods Sold switched on.",
)
REVIEWS = Table(
    name="reviews",
    grain="One review of a product, with its stars.",
    change=Change.FULL,
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("product_id", Type.STRING, required=True),
        Column("product", Type.STRING),
        Column("stars", Type.INTEGER, required=True),
        Column("verified", Type.BOOLEAN),
    ),
    docs="WooCommerce REST API v3, Product reviews: approved ones; no filter tells which were changed.",
)


def order_row(order: Fields, refunds: Iterable[Fields], revenue: Iterable[str], key: bytes) -> Row:
    """The row of an order with the lines of the sale and of its refunds."""
    status, created_at = order.text("status"), utc(order, "date_created_gmt")
    billing, noted = order.inner("billing"), noted_of(order)
    device = (noted.get("device_type") or "").lower()
    codes = [Fields(one, "coupon", order.subject).text("code") for one in order.items("coupon_lines")]
    return {
        "id": str(order.integer("id")),
        "number": order.text("number"),
        "status": status,
        "is_revenue": status in revenue,
        "currency": order.text("currency"),
        "created_at": created_at,
        "updated_at": utc(order, "date_modified_gmt"),
        "completed_at": utc(order, "date_completed_gmt") if order.value("date_completed_gmt") else None,
        "customer": pseudonym(billing.text("email"), key),
        "country": order.inner("shipping").text("country") or billing.text("country") or None,
        "device": device if device in DEVICES else None,
        "utm_source": noted.get("utm_source"),
        "utm_medium": noted.get("utm_medium"),
        "utm_campaign": noted.get("utm_campaign"),
        "discount_code": codes[0] if codes else None,
        "lines": [
            *lines_of(order, created_at, None),
            *(line for refund in refunds for line in refund_lines(refund)),
        ],
    }


def refund_lines(refund: Fields) -> list[dict[str, Any]]:
    """A refund's lines, and what it gives back beyond them as one line of its own.

    The API does not split the tax out of an amount without lines: the amount stands as it was paid.
    """
    happened_at, refund_id = utc(refund, "date_created_gmt"), str(refund.integer("id"))
    lines = lines_of(refund, happened_at, refund_id)
    told = sum((line["total"] + line["tax"] for line in lines), Decimal(0))
    beyond = -refund.written_number("amount") - told
    if beyond:
        lines.append(
            line_row("adjustment", refund_id, refund_id, happened_at) | {"subtotal": beyond, "total": beyond}
        )
    return lines


def lines_of(item: Fields, happened_at: datetime, refund_id: str | None) -> list[dict[str, Any]]:
    """Articles, shipping and fees of an order or a refund."""
    found = []
    for name, kind in (("line_items", "product"), ("shipping_lines", "shipping"), ("fee_lines", "fee")):
        for one in item.items(name):
            line = Fields(one, kind, item.subject)
            own = line_row(kind, str(line.integer("id")), refund_id, happened_at)
            own |= {"total": line.written_number("total"), "tax": line.written_number("total_tax")}
            own["subtotal"] = own["total"]
            if kind == "product":
                number = line.integer("variation_id") or line.integer("product_id")
                own |= {
                    "product_id": str(number),
                    "product": line.text("name"),
                    "quantity": line.integer("quantity"),
                    "subtotal": line.written_number("subtotal"),
                }
            found.append(own)
    return found


def line_row(kind: str, number: str, refund_id: str | None, happened_at: datetime) -> dict[str, Any]:
    """A line without its amounts. Lines of a refund are numbered by kind and refund, so that none meets another."""
    return {
        "line_id": f"{kind}-{number}" if refund_id is None else f"{kind}-{number}-{refund_id}",
        "refund_id": refund_id,
        "happened_at": happened_at,
        "kind": kind,
        "product_id": None,
        "product": None,
        "quantity": 0,
        "tax": Decimal(0),
    }


def product_row(product: Fields, number: int, name: str, currency: str) -> Row:
    """The row of a product or a variation.

    The total is what the site itself charges to an order: with what a variation has from its product. It is zero
    where nobody entered a cost, which is no cost of zero, and absent while Cost of Goods Sold is switched off.
    """
    has_costs = product.item.get("cost_of_goods_sold") is not None
    total = product.inner("cost_of_goods_sold").number("total_value") if has_costs else None
    return {"id": str(number), "name": name, "unit_cost": total or None, "currency": currency}


def review_row(review: Fields) -> Row:
    return {
        "id": str(review.integer("id")),
        "created_at": utc(review, "date_created_gmt"),
        "product_id": str(review.integer("product_id")),
        "product": review.text("product_name"),
        "stars": review.integer("rating"),
        "verified": review.boolean("verified"),
    }


def noted_of(order: Fields) -> Mapping[str, str]:
    """What the site noted of the visit, by its short name."""
    found = {}
    for one in order.items("meta_data"):
        meta = Fields(one, "meta data", order.subject)
        key, value = meta.text("key"), meta.value("value")
        if key in META and isinstance(value, str) and value:
            found[key.removeprefix(ATTRIBUTION)] = value
    return found


def utc(item: Fields, name: str) -> datetime:
    """A time the API writes without a zone and means in UTC."""
    text = item.text(name)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise item.error(f"the field {name}", "is no time", text) from None
