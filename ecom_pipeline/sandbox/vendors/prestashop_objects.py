"""The shop's events as PrestaShop's resources, as they stand at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Agreement, Order, Product, SaleLine, StockDay
from ecom_pipeline.sandbox.world import PERSONAL_CANARY

Item = dict[str, Any]
PAID, SHIPPED, DELIVERED, CANCELLED, REFUNDED, AWAITING = 2, 4, 5, 6, 7, 10
_COUNTING = {PAID, 3, SHIPPED, DELIVERED, 9, 11}
_GUESTS = 900_000_000  # who orders without an account is a customer of one order
ORDER_STATES = tuple(
    {
        "id": number,
        "logable": "1" if number in _COUNTING else "0",
        "paid": "1" if number in _COUNTING else "0",
        "shipped": "1" if number in (SHIPPED, DELIVERED) else "0",
        "name": [{"id": "1", "value": name}, {"id": "2", "value": name}],
    }
    for number, name in enumerate(
        (
            "Awaiting check payment", "Payment accepted", "Processing in progress", "Shipped", "Delivered",
            "Canceled", "Refunded", "Payment error", "On backorder (paid)", "Awaiting bank wire payment",
            "Remote payment accepted", "On backorder (not paid)", "Awaiting Cash On Delivery validation",
        ),
        start=1,
    )
)  # fmt: skip
"""The states a shop is installed with; the logable ones make an order count in the shop's own statistics."""


@dataclass(frozen=True)
class OrderView:
    """An order with what had happened by now: its credit slips, and the states it went through."""

    order: Order
    slips: tuple[Agreement, ...]
    states: tuple[tuple[datetime, int], ...]

    @property
    def goods(self) -> list[SaleLine]:
        return [line for line in self.order.agreements[0].lines if line.kind == "product"]

    @property
    def shipping(self) -> list[SaleLine]:
        return [line for line in self.order.agreements[0].lines if line.kind == "shipping"]

    @property
    def number(self) -> int:
        return self.order.order_id


def view_of(order: Order, now: datetime) -> OrderView:
    """The order as the shop holds it at `now`: a slip does not touch it, a change of its state does."""
    slips = tuple(one for one in order.agreements if one.kind == "refund" and one.at <= now)
    states = [(order.created_at, PAID if order.voided_at is None else AWAITING)]
    for parcel in order.fulfillments:
        states.append((parcel.shipped_at, SHIPPED))
        if parcel.delivered_at is not None:
            states.append((parcel.delivered_at, DELIVERED))
    states += [(one.at, CANCELLED) for one in order.agreements if one.kind == "cancel"]
    given_back = sum(-line.paid for one in slips for line in one.lines)
    if slips and given_back >= sum(line.paid for line in order.agreements[0].lines):
        states.append((slips[-1].at, REFUNDED))
    known = sorted((one for one in states if one[0] <= now), key=lambda one: one[0])
    return OrderView(order, slips, tuple(known))


def order_object(view: OrderView, zone: ZoneInfo, countries: Sequence[str]) -> Item:
    """An order with its totals; discounts stand beside the goods, not in their prices."""
    order, last = view.order, view.states[-1]
    goods, goods_tax = (
        sum(line.gross for line in view.goods),
        sum(full_tax(order, line) for line in view.goods),
    )
    off = sum(line.discount for line in view.goods)
    off_tax = goods_tax - sum(line.tax for line in view.goods)
    shipping, shipping_tax = (
        sum(line.gross for line in view.shipping),
        sum(line.tax for line in view.shipping),
    )
    paid = sum(line.paid for line in order.agreements[0].lines)
    return {
        "id": order.order_id,
        "id_address_delivery": str(order.order_id),
        "id_address_invoice": str(order.order_id),
        "id_currency": "2",
        "id_lang": "1",
        "id_customer": str(customer_number(order)),
        "current_state": str(last[1]),
        "module": "ps_wirepayment",
        "invoice_date": local(order.created_at, zone),
        "delivery_date": "0000-00-00 00:00:00",
        "valid": "1" if last[1] in _COUNTING else "0",
        "date_add": local(order.created_at, zone),
        "date_upd": local(last[0], zone),
        "note": PERSONAL_CANARY,
        "secure_key": PERSONAL_CANARY,
        "gift_message": PERSONAL_CANARY,
        "payment": "Carte bancaire",
        "total_discounts": money(off + off_tax),
        "total_discounts_tax_incl": money(off + off_tax),
        "total_discounts_tax_excl": money(off),
        "total_paid": money(paid),
        "total_paid_tax_incl": money(paid),
        "total_paid_tax_excl": money(goods - off + shipping),
        "total_paid_real": money(paid),
        "total_products": money(goods),
        "total_products_wt": money(goods + goods_tax),
        "total_shipping": money(shipping + shipping_tax),
        "total_shipping_tax_incl": money(shipping + shipping_tax),
        "total_shipping_tax_excl": money(shipping),
        "total_wrapping_tax_incl": money(0),
        "total_wrapping_tax_excl": money(0),
        "conversion_rate": "1.000000",
        "reference": order.name,
        "associations": {"order_rows": [{"id": str(line.line_item_id)} for line in view.goods]},
    }


def full_tax(order: Order, line: SaleLine) -> int:
    """The tax on a line's price before the order's discount."""
    return int((line.gross * order.vat_percent + 50) // 100)


def detail(view: OrderView) -> list[Item]:
    """The articles of an order at their prices before its discount."""
    found = []
    for line in view.goods:
        assert line.product is not None
        tax = full_tax(view.order, line)
        returned = sum(-one.quantity for slip in view.slips for one in slip.lines if same(one, line))
        combined = line.product.variant_id != line.product.product_id
        found.append(
            {
                "id": line.line_item_id,
                "id_order": str(view.number),
                "product_id": str(line.product.product_id),
                "product_attribute_id": str(line.product.variant_id if combined else 0),
                "product_name": line.product.title,
                "product_quantity": str(line.quantity),
                "product_quantity_refunded": str(returned),
                "product_reference": line.product.sku,
                "unit_price_tax_excl": f"{Decimal(line.gross) / 100 / line.quantity:.6f}",
                "unit_price_tax_incl": f"{Decimal(line.gross + tax) / 100 / line.quantity:.6f}",
                "total_price_tax_excl": money(line.gross),
                "total_price_tax_incl": money(line.gross + tax),
            }
        )
    return found


def same(one: SaleLine, other: SaleLine) -> bool:
    return one.line_item_id is not None and one.line_item_id == other.line_item_id


def slip(view: OrderView, refund: Agreement, zone: ZoneInfo) -> Item:
    """A credit slip: what is given back, as positive amounts."""
    goods = [line for line in refund.lines if line.kind == "product"]
    shipping = [line for line in refund.lines if line.kind == "shipping"]
    back, back_tax = -sum(one.gross - one.discount for one in goods), -sum(one.tax for one in goods)
    freight, freight_tax = (
        -sum(one.gross - one.discount for one in shipping),
        -sum(one.tax for one in shipping),
    )
    item = {
        "id": refund.refund_id,
        "id_customer": str(customer_number(view.order)),
        "id_order": str(view.number),
        "conversion_rate": "1.000000",
        "total_products_tax_excl": money(back),
        "total_products_tax_incl": money(back + back_tax),
        "total_shipping_tax_excl": money(freight),
        "total_shipping_tax_incl": money(freight + freight_tax),
        "amount": money(back),
        "shipping_cost": "1" if shipping else "0",
        "shipping_cost_amount": money(freight),
        "partial": "0",
        "date_add": local(refund.at, zone),
        "date_upd": local(refund.at, zone),
        "order_slip_type": "2" if shipping else "0",
    }
    details = [
        {
            "id": str(refund.refund_id),
            "id_order_detail": str(line.line_item_id),
            "product_quantity": str(-line.quantity),
            "amount_tax_excl": money(line.discount - line.gross),
            "amount_tax_incl": money(-line.paid),
        }
        for line in goods
    ]
    return item | ({"associations": {"order_slip_details": details}} if details else {})


def history(view: OrderView, zone: ZoneInfo) -> list[Item]:
    """When an order came into each of its states."""
    return [
        {
            "id": 10 * view.number + at,
            "id_employee": "0",
            "id_order_state": str(state),
            "id_order": str(view.number),
            "date_add": local(since, zone),
        }
        for at, (since, state) in enumerate(view.states)
    ]


def order_rule(view: OrderView, codes: Sequence[str]) -> list[Item]:
    """The discount of an order, when it has one."""
    off = sum(line.discount for line in view.goods)
    if not off:
        return []
    rule = codes.index(view.order.discount_code or "") + 1
    told = {"id": view.number, "id_order": str(view.number), "id_cart_rule": str(rule), "name": "Remise"}
    return [told | {"value_tax_excl": money(off), "free_shipping": "0", "deleted": "0"}]


def customer_number(order: Order) -> int:
    return order.customer.customer_id if order.customer else _GUESTS + order.order_id


def customer(view: OrderView) -> Item:
    """Who ordered, with the personal details clients must not keep."""
    order = view.order
    return {
        "id": customer_number(order),
        "lastname": PERSONAL_CANARY,
        "firstname": PERSONAL_CANARY,
        "passwd": PERSONAL_CANARY,
        "email": (order.email or "").strip(),
        "birthday": "1980-01-01",
        "company": PERSONAL_CANARY,
        "note": PERSONAL_CANARY,
        "is_guest": "0" if order.customer else "1",
    }


def address(view: OrderView, countries: Sequence[str]) -> Item:
    order = view.order
    told = ("lastname", "firstname", "address1", "postcode", "city", "phone", "phone_mobile", "company")
    return {
        "id": order.order_id,
        "id_customer": str(customer_number(order)),
        "id_country": str(countries.index(order.country) + 1),
        **dict.fromkeys(told, PERSONAL_CANARY),
    }


def family(article: Product, active: bool, zone: ZoneInfo) -> Item:
    """A product; one with combinations has no cost of its own. Its name is told in the shop's two languages."""
    simple = article.variant_id == article.product_id
    name = article.title if simple else " ".join(article.title.split()[:2])
    return {
        "id": article.product_id,
        "reference": article.sku,
        "price": money(article.price),
        "wholesale_price": cost(article.unit_cost if simple else None),
        "active": "1" if active else "0",
        "date_add": local(article.created_at, zone),
        "date_upd": local(article.created_at, zone),
        "name": [{"id": "1", "value": name}, {"id": "2", "value": f"{name} (en)"}],
    }


def combination(article: Product) -> Item:
    return {
        "id": article.variant_id,
        "id_product": str(article.product_id),
        "reference": article.sku,
        "wholesale_price": cost(article.unit_cost),
        "price": money(0),
    }


def stock_of(shelves: Sequence[StockDay]) -> list[Item]:
    """What of each article can be sold, and once more of each product with all its combinations."""
    found: dict[tuple[int, int], int] = {}
    for one in shelves:
        product, variant = one.product.product_id, one.product.variant_id
        for combined in {0, variant if variant != product else 0}:
            place = product, combined
            found[place] = found.get(place, 0) + one.on_hand
    return [
        {
            "id": at,
            "id_product": str(product),
            "id_product_attribute": str(combined),
            "id_shop": "1",
            "quantity": str(quantity),
            "depends_on_stock": "0",
            "out_of_stock": "2",
        }
        for at, ((product, combined), quantity) in enumerate(sorted(found.items()), start=1)
    ]


def cost(unit_cost: int | None) -> str:
    """A cost nobody entered is zero."""
    return f"{Decimal(unit_cost or 0).scaleb(-4):.6f}"


def money(cents: int) -> str:
    return f"{Decimal(cents) / 100:.6f}"


def local(at: datetime, zone: ZoneInfo) -> str:
    """The shop's time, which does not say in which hour of two it lies when summer time ends."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
