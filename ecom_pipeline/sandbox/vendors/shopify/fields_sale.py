"""The fields of an order's agreements, their sales and refunds."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from ecom_pipeline.sandbox.vendors.shopify.fields_order import shipping_line, transactions
from ecom_pipeline.sandbox.vendors.shopify.money import Bag
from ecom_pipeline.sandbox.vendors.shopify.scalars import gid, instant, personal
from ecom_pipeline.sandbox.vendors.shopify.views import (
    OrderView,
    RefundLineView,
    RefundView,
    SaleView,
    discount_with_tax,
)

Getter = Callable[[Any], Any]
Fields = dict[str, Getter]

AGREEMENT: Fields = {
    "id": lambda a: gid("SalesAgreement", a.facts.agreement_id),
    "happenedAt": lambda a: instant(a.facts.at),
    "reason": attrgetter("reason"),
    "sales": attrgetter("sales"),
}

SALE: Fields = {
    "id": lambda s: gid("Sale", s.agreement.facts.agreement_id * 1000 + s.number),
    "actionType": attrgetter("action"),
    "lineType": attrgetter("line_type"),
    "quantity": lambda s: s.line.quantity if s.line.line_item_id is not None else None,
    "totalAmount": lambda s: s.bag(s.line.paid),
    "totalTaxAmount": lambda s: s.bag(s.line.tax),
    "totalDiscountAmountBeforeTaxes": lambda s: s.bag(s.line.discount),
    "totalDiscountAmountAfterTaxes": lambda s: s.bag(discount_with_tax(s.line)),
}
OF_LINE_ITEM: Fields = {**SALE, "lineItem": attrgetter("line_item")}


def sale_shipping_line(sale: SaleView) -> OrderView | None:
    return shipping_line(sale.agreement.order)


def refund_share(of: str) -> Getter:
    def share(entry: RefundLineView) -> Bag:
        return entry.refund.order.bag(entry.part(of))

    return share


def refund_unit_price(entry: RefundLineView) -> Bag:
    return entry.refund.order.bag(round(entry.part("paid") / (entry.restock.quantity or 1)))


def refund_transactions(refund: RefundView) -> list[dict[str, Any]]:
    return [t for t in transactions(refund.order) if t["kind"] == "REFUND" and t["at"] == refund.facts.at]


TYPES: dict[str, Fields] = {
    "OrderAgreement": {**AGREEMENT, "order": attrgetter("order")},
    "OrderEditAgreement": AGREEMENT,
    "ReturnAgreement": AGREEMENT,
    "RefundAgreement": {**AGREEMENT, "refund": RefundView},
    "ProductSale": OF_LINE_ITEM,
    "GiftCardSale": OF_LINE_ITEM,
    "TipSale": OF_LINE_ITEM,
    "ShippingLineSale": {**SALE, "shippingLine": sale_shipping_line},
    **dict.fromkeys(("AdjustmentSale", "AdditionalFeeSale", "DutySale", "FeeSale", "UnknownSale"), SALE),
    "Refund": {
        "id": lambda r: gid("Refund", r.refund_id),
        "legacyResourceId": lambda r: str(r.refund_id),
        "createdAt": lambda r: instant(r.facts.at),
        "processedAt": lambda r: instant(r.facts.at),
        "updatedAt": lambda r: instant(r.facts.at),
        "note": personal("note"),
        "totalRefundedSet": lambda r: r.order.bag(r.amount),
        "refundLineItems": attrgetter("line_items"),
        "order": attrgetter("order"),
        "transactions": refund_transactions,
    },
    "RefundLineItem": {
        "id": lambda e: gid("RefundLineItem", e.refund.facts.agreement_id * 1000 + e.number),
        "lineItem": attrgetter("line_item"),
        "quantity": attrgetter("restock.quantity"),
        "restockType": attrgetter("restock_type"),
        "restocked": attrgetter("restock.restocked"),
        "priceSet": refund_unit_price,
        "subtotalSet": refund_share("paid"),
        "totalTaxSet": refund_share("tax"),
    },
}
