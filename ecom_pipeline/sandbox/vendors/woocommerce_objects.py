"""The shop's events as WooCommerce's objects, as they stand at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Agreement, Order, Product, Review, SaleLine, Visit
from ecom_pipeline.sandbox.world import PERSONAL_CANARY

ATTRIBUTION = "_wc_order_attribution_"
SEARCH = {"www.google.com": "google", "duckduckgo.com": "duckduckgo"}


@dataclass(frozen=True)
class OrderView:
    """An order with what had happened by now."""

    order: Order
    agreements: tuple[Agreement, ...]
    modified_at: datetime
    completed_at: datetime | None
    is_voided: bool

    @property
    def refunds(self) -> list[Agreement]:
        # An order given up before it was paid is cancelled; nothing is given back.
        return [] if self.is_voided else [one for one in self.agreements if one.kind in ("refund", "cancel")]

    @property
    def status(self) -> str:
        if self.is_voided:
            return "cancelled"
        given_back = sum(-line.paid for one in self.refunds for line in one.lines)
        paid = sum(line.paid for line in self.agreements[0].lines)
        if self.refunds and given_back >= paid:
            return "refunded"
        if self.order.voided_at is not None:
            return "on-hold"  # awaiting a payment that will not come
        return "completed" if self.completed_at else "processing"


def view_of(order: Order, now: datetime) -> OrderView:
    """The order as the site holds it at `now`."""
    agreements = tuple(one for one in order.agreements if one.at <= now)
    shipped = [one.shipped_at for one in order.fulfillments if one.shipped_at <= now]
    voided = order.voided_at is not None and order.voided_at <= now
    touched = [one.at for one in agreements] + shipped
    if order.voided_at is not None and voided:
        touched.append(order.voided_at)
    # Completing is what a shop does when the last parcel leaves.
    completed = max(shipped) if shipped and len(shipped) == len(order.fulfillments) else None
    return OrderView(order, agreements, max(touched), completed, voided)


def order_json(view: OrderView, zone: ZoneInfo, meta: Sequence[str] | None) -> dict[str, Any]:
    """An order with the personal details clients must not keep."""
    order, sale = view.order, view.agreements[0]
    products = [line for line in sale.lines if line.kind == "product"]
    shipping = [line for line in sale.lines if line.kind == "shipping"]
    paid, tax = sum(line.paid for line in sale.lines), sum(line.tax for line in sale.lines)
    discount = sum(line.discount for line in products)
    paid_at = None if order.voided_at is not None else order.created_at
    return {
        "id": order.order_id,
        "parent_id": 0,
        "number": order.name,
        "order_key": f"wc_order_{PERSONAL_CANARY}",
        "status": view.status,
        "currency": order.currency,
        "prices_include_tax": True,
        **dated("date_created", order.created_at, zone),
        **dated("date_modified", view.modified_at, zone),
        **dated("date_paid", paid_at, zone),
        **dated("date_completed", view.completed_at, zone),
        "discount_total": money(discount),
        "shipping_total": money(sum(line.gross - line.discount for line in shipping)),
        "total": money(paid),
        "total_tax": money(tax),
        "customer_id": order.customer.customer_id if order.customer else 0,
        "customer_ip_address": PERSONAL_CANARY,
        "customer_note": f"{PERSONAL_CANARY} please ring twice",
        "billing": address(order, with_email=True),
        "shipping": address(order, with_email=False),
        "payment_method": "stripe",
        "line_items": [item_json(line) for line in products],
        "shipping_lines": [shipping_json(10 * order.order_id + at, line) for at, line in enumerate(shipping)],
        "fee_lines": [],
        "coupon_lines": coupons(order, discount),
        "refunds": [
            {
                "id": one.refund_id,
                "reason": PERSONAL_CANARY,
                "total": money(sum(line.paid for line in one.lines)),
            }
            for one in view.refunds
        ],
        "meta_data": [
            {"id": at, "key": key, "value": value}
            for at, (key, value) in enumerate(attribution(order).items(), start=1)
            if meta is None or key in meta
        ],
    }


def refund_json(view: OrderView, refund: Agreement, zone: ZoneInfo) -> dict[str, Any]:
    """A refund: its amount positive, its lines negative."""
    return {
        "id": refund.refund_id,
        "parent_id": view.order.order_id,
        **dated("date_created", refund.at, zone),
        "amount": money(-sum(line.paid for line in refund.lines)),
        "reason": PERSONAL_CANARY,
        "refunded_by": 1,
        "refunded_payment": True,
        "line_items": [item_json(line, refund) for line in refund.lines if line.kind == "product"],
        "shipping_lines": [
            shipping_json(10 * (refund.refund_id or 0) + at, line)
            for at, line in enumerate(one for one in refund.lines if one.kind == "shipping")
        ],
        "fee_lines": [],
        "meta_data": [],
    }


def item_json(line: SaleLine, refund: Agreement | None = None) -> dict[str, Any]:
    """An article of the sale, or of a refund, which names the article it gives back."""
    assert line.product is not None
    total = line.gross - line.discount
    is_variation = line.product.variant_id != line.product.product_id
    number = (
        line.line_item_id
        if refund is None
        else (refund.refund_id or 0) * 100 + (line.line_item_id or 0) % 100
    )
    meta = [] if refund is None else [{"id": 1, "key": "_refunded_item_id", "value": str(line.line_item_id)}]
    return {
        "id": number,
        "name": line.product.title,
        **({"parent_name": family_name(line.product) if is_variation else None} if refund is None else {}),
        "product_id": line.product.product_id,
        "variation_id": line.product.variant_id if is_variation else 0,
        "quantity": line.quantity,
        "subtotal": money(total if refund else line.gross),  # a refund knows no discount
        "subtotal_tax": money(line.tax),
        "total": money(total),
        "total_tax": money(line.tax),
        "sku": line.product.sku,
        "meta_data": meta,
    }


def shipping_json(number: int, line: SaleLine) -> dict[str, Any]:
    return {
        "id": number,
        "method_title": "Colissimo",
        "method_id": "flat_rate",
        "total": money(line.gross - line.discount),
        "total_tax": money(line.tax),
    }


def product_json(articles: Sequence[Product], zone: ZoneInfo) -> dict[str, Any]:
    """A simple product, or one that has variations and no cost of its own."""
    first = articles[0]
    simple = first.variant_id == first.product_id
    return {
        "id": first.product_id,
        "name": first.title if simple else family_name(first),
        "type": "simple" if simple else "variable",
        "status": "publish",
        "sku": first.sku if simple else "",
        "price": money(min(article.price for article in articles)),
        **dated("date_created", first.created_at, zone),
        **dated("date_modified", first.created_at, zone),
        "variations": [] if simple else [article.variant_id for article in articles],
        "cost_of_goods_sold": cost_json(first.unit_cost if simple else None),
    }


def variation_json(article: Product, zone: ZoneInfo) -> dict[str, Any]:
    """A variation, named by what sets it apart."""
    return {
        "id": article.variant_id,
        "parent_id": article.product_id,
        "name": article.title.removeprefix(family_name(article)).strip(),
        "type": "variation",
        "status": "publish",
        "sku": article.sku,
        "price": money(article.price),
        **dated("date_created", article.created_at, zone),
        **dated("date_modified", article.created_at, zone),
        "cost_of_goods_sold": cost_json(article.unit_cost) | {"defined_value_is_additive": False},
    }


def family_name(article: Product) -> str:
    """What an article's variations have in common; the generator names a candle "Grande bougie Figuier"."""
    return " ".join(article.title.split()[:2])


def cost_json(unit_cost: int | None) -> dict[str, Any]:
    """A cost nobody entered is told as nothing defined, and as zero in effect and in total."""
    cost = None if unit_cost is None else float(Decimal(unit_cost).scaleb(-4))
    return {"values": [{"defined_value": cost, "effective_value": cost or 0}], "total_value": cost or 0}


def review_json(review: Review, zone: ZoneInfo) -> dict[str, Any]:
    """A review of a product, with the words and the name clients must not keep."""
    assert review.product is not None
    return {
        "id": review.review_id,
        **dated("date_created", review.created_at, zone),
        "product_id": review.product.product_id,
        "product_name": review.product.title,
        "status": "approved",
        "reviewer": f"{PERSONAL_CANARY} Jeanne M.",
        "reviewer_email": f"{PERSONAL_CANARY}@example.com",
        "review": f"<p>{PERSONAL_CANARY}</p>",
        "rating": review.stars,
        "verified": review.verified,
    }


def address(order: Order, *, with_email: bool) -> dict[str, Any]:
    told = {"first_name": PERSONAL_CANARY, "last_name": PERSONAL_CANARY, "country": order.country}
    return {**told, "email": order.email or "", "phone": PERSONAL_CANARY} if with_email else told


def attribution(order: Order) -> dict[str, str]:
    """What the site noted of the visit that led to the order."""
    source_type, source, medium, campaign = visited(order.visit)
    told = {
        "source_type": source_type,
        "utm_source": source,
        "utm_medium": medium,
        "utm_campaign": campaign,
        "referrer": order.visit.referrer_url or "",
        "device_type": order.device.capitalize(),
        "user_agent": PERSONAL_CANARY,
    }
    return {f"{ATTRIBUTION}{name}": value for name, value in told.items() if value}


def visited(visit: Visit) -> tuple[str, str, str, str]:
    """Type, source, medium and campaign of a visit, as the tracker names them."""
    if visit.source:
        return "utm", visit.source, visit.medium or "", visit.campaign or ""
    host = urlsplit(visit.referrer_url or "").hostname
    if host is None:
        return "typein", "(direct)", "", ""
    if host in SEARCH:
        return "organic", SEARCH[host], "organic", ""
    return "referral", host, "referral", ""


def coupons(order: Order, discount: int) -> list[dict[str, Any]]:
    """The site writes codes in small letters."""
    if order.discount_code is None:
        return []
    return [{"id": 1, "code": order.discount_code.lower(), "discount": money(discount)}]


def dated(name: str, at: datetime | None, zone: ZoneInfo) -> dict[str, str | None]:
    if at is None:
        return {name: None, f"{name}_gmt": None}
    local = at.astimezone(zone)
    return {name: f"{local:%Y-%m-%dT%H:%M:%S}", f"{name}_gmt": f"{at:%Y-%m-%dT%H:%M:%S}"}


def money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
