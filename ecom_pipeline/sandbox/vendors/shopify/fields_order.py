"""The fields of an order and of everything below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter, itemgetter
from typing import Any

from ecom_pipeline.sandbox.events import SaleLine
from ecom_pipeline.sandbox.vendors.shopify.money import Bag, amount_text
from ecom_pipeline.sandbox.vendors.shopify.scalars import always, gid, instant, nothing, personal
from ecom_pipeline.sandbox.vendors.shopify.views import LineItemView, OrderView, discount_with_tax
from ecom_pipeline.sandbox.vendors.shopify.views_shop import CustomerView, ItemView

Getter = Callable[[Any], Any]
Fields = dict[str, Getter]


def summed(which: Callable[[OrderView], Iterable[SaleLine]], amount: Callable[[SaleLine], int]) -> Getter:
    """A money field of the order that adds `amount` over `which` lines."""

    def total(order: OrderView) -> Bag:
        return order.bag(sum(amount(line) for line in which(order)))

    return total


def sold(order: OrderView) -> list[SaleLine]:
    return order.sold


def standing(order: OrderView) -> list[SaleLine]:
    """What is still agreed after refunds."""
    return order.sold + order.returned


def paid(line: SaleLine) -> int:
    return line.paid


def articles(line: SaleLine) -> int:
    return line.paid if line.kind in ("product", "gift_card") else 0


def shipping(line: SaleLine) -> int:
    return line.paid if line.kind == "shipping" else 0


def tip(line: SaleLine) -> int:
    return line.paid if line.kind == "tip" else 0


def tax(line: SaleLine) -> int:
    return line.tax


def units(lines: Iterable[SaleLine]) -> int:
    return sum(line.quantity for line in lines if line.kind in ("product", "gift_card"))


def financial_status(order: OrderView) -> str:
    if order.voided:
        return "VOIDED"
    if order.authorized:
        return "AUTHORIZED"
    refunded = order.refunded()
    if refunded <= 0:
        return "PAID"
    return "REFUNDED" if refunded >= order.received() else "PARTIALLY_REFUNDED"


def visit(order: OrderView) -> dict[str, Any]:
    """The visit an order came from, as its fields are resolved."""
    facts = order.order.visit
    utm = {"source": facts.source, "medium": facts.medium, "campaign": facts.campaign}
    tactic = {"cpc": "AD", "ppc": "AD", "paid_social": "AD", "email": "NEWSLETTER", "organic": "SEO"}
    host = (facts.referrer_url or "").removeprefix("https://").removeprefix("http://").split("/")[0]
    return {
        "order": order,
        "utm": utm if any(utm.values()) else None,
        "source": facts.source or host or "direct",
        "tactic": tactic.get(facts.medium or ""),
        "referrer": facts.referrer_url,
    }


def customer(order: OrderView) -> CustomerView | None:
    return CustomerView(order.order.customer, order.snapshot) if order.order.customer else None


def item(line: LineItemView) -> ItemView | None:
    return ItemView(line.product, line.order.snapshot) if line.product else None


def address(order: OrderView) -> dict[str, Any]:
    return {"id": order.order.order_id, "country": order.order.country}


def shipping_line(order: OrderView) -> OrderView | None:
    return order if any(line.kind == "shipping" for line in order.sold) else None


def transactions(order: OrderView) -> list[dict[str, Any]]:
    """Payments of the sale and its edits, one refund for each refund, and the void."""
    facts = order.order
    found: list[dict[str, Any]] = []

    def add(kind: str, gateway: str, amount: int, at: Any) -> None:
        number = facts.order_id * 100 + len(found)
        bag = order.bag(amount)
        found.append({"id": number, "kind": kind, "gateway": gateway, "bag": bag, "at": at, "order": order})

    for agreement in order.agreements:
        amount = sum(line.paid for line in agreement.facts.lines)
        by_card = facts.gift_card_paid if agreement.facts.kind == "order" else 0
        if by_card:
            add("SALE", "gift_card", by_card, agreement.facts.at)
        if agreement.returns:
            if amount < 0 and facts.voided_at is None:
                add("REFUND", "shopify_payments", -amount, agreement.facts.at)
        elif amount - by_card > 0:
            held = facts.voided_at is not None
            add("AUTHORIZATION" if held else "SALE", "shopify_payments", amount - by_card, agreement.facts.at)
    if order.voided:
        add("VOID", "shopify_payments", 0, facts.voided_at)
    return found


def tax_lines(amount: int, order: OrderView) -> list[dict[str, Any]]:
    rate = float(order.order.vat_percent)
    return [{"bag": order.bag(amount), "rate": rate, "title": f"VAT {order.order.country}"}] if amount else []


def line_tax_lines(line: LineItemView) -> list[dict[str, Any]]:
    return tax_lines(line.tax, line.order)


ORDER: Fields = {
    "id": lambda o: gid("Order", o.order.order_id),
    "legacyResourceId": lambda o: str(o.order.order_id),
    "name": attrgetter("order.name"),
    "number": lambda o: int("".join(filter(str.isdecimal, o.order.name)) or 0),
    "createdAt": lambda o: instant(o.order.created_at),
    "processedAt": lambda o: instant(o.order.created_at),
    "updatedAt": lambda o: instant(o.updated_at),
    "cancelledAt": lambda o: instant(o.cancelled_at),
    "cancelReason": lambda o: "CUSTOMER" if o.cancelled_at else None,
    "closed": lambda o: o.cancelled_at is not None,
    "closedAt": lambda o: instant(o.cancelled_at),
    "confirmed": always(True),
    "test": attrgetter("order.test"),
    "edited": lambda o: any(a.facts.kind == "edit" for a in o.agreements),
    "currencyCode": attrgetter("exchange.shop_currency"),
    "presentmentCurrencyCode": attrgetter("order.currency"),
    "taxesIncluded": always(True),
    "displayFinancialStatus": financial_status,
    "displayFulfillmentStatus": lambda o: "FULFILLED" if o.fulfillments else "UNFULFILLED",
    "email": attrgetter("order.email"),
    "phone": personal("phone"),
    "note": personal("note"),
    "tags": always([]),
    "sourceName": always("web"),
    "customer": customer,
    "shippingAddress": address,
    "billingAddress": address,
    "customAttributes": lambda o: [{"key": "device", "value": o.order.device}],
    "customerJourneySummary": visit,
    "discountCode": attrgetter("order.discount_code"),
    "discountCodes": lambda o: [o.order.discount_code] if o.order.discount_code else [],
    "paymentGatewayNames": lambda o: list(dict.fromkeys(t["gateway"] for t in transactions(o))),
    "totalPriceSet": summed(sold, paid),
    "originalTotalPriceSet": lambda o: o.bag(sum(line.paid for line in o.order.agreements[0].lines)),
    "currentTotalPriceSet": summed(standing, paid),
    "subtotalPriceSet": summed(sold, articles),
    "currentSubtotalPriceSet": summed(standing, articles),
    "totalDiscountsSet": summed(sold, discount_with_tax),
    "currentTotalDiscountsSet": summed(standing, discount_with_tax),
    "totalTaxSet": summed(sold, tax),
    "currentTotalTaxSet": summed(standing, tax),
    "totalShippingPriceSet": summed(sold, shipping),
    "currentShippingPriceSet": summed(standing, shipping),
    "totalRefundedSet": lambda o: o.bag(o.refunded()),
    "totalRefundedShippingSet": lambda o: o.bag(-sum(map(shipping, o.returned))),
    "totalReceivedSet": lambda o: o.bag(o.received()),
    "netPaymentSet": lambda o: o.bag(o.received() - o.refunded()),
    "totalOutstandingSet": lambda o: o.bag(sum(map(paid, o.sold)) if o.authorized else 0),
    "totalTipReceivedSet": summed(sold, tip),
    "subtotalLineItemsQuantity": lambda o: units(o.sold),
    "currentSubtotalLineItemsQuantity": lambda o: units(standing(o)),
    "unpaid": attrgetter("authorized"),
    "fullyPaid": lambda o: not (o.authorized or o.voided),
    "lineItems": lambda o: list(o.lines.values()),
    "shippingLine": shipping_line,
    "fulfillments": attrgetter("fulfillments"),
    "refunds": attrgetter("refunds"),
    "transactions": transactions,
    "agreements": attrgetter("agreements"),
}

LINE_ITEM: Fields = {
    "id": lambda n: gid("LineItem", n.line_id),
    "name": lambda n: n.product.title if n.product else n.kind.replace("_", " ").title(),
    "title": lambda n: n.product.title if n.product else n.kind.replace("_", " ").title(),
    "variantTitle": nothing,
    "sku": lambda n: n.product.sku if n.product else None,
    "vendor": nothing,
    "quantity": attrgetter("quantity"),
    "currentQuantity": attrgetter("current_quantity"),
    "refundableQuantity": attrgetter("current_quantity"),
    "isGiftCard": lambda n: n.kind == "gift_card",
    "taxable": lambda n: n.kind == "product",
    "requiresShipping": lambda n: n.kind == "product",
    "originalUnitPriceSet": lambda n: n.order.bag(n.original_unit_price),
    "originalTotalSet": lambda n: n.order.bag(n.original_total),
    "discountedTotalSet": lambda n: n.order.bag(n.original_total - n.discount),
    "discountedUnitPriceSet": lambda n: n.order.bag(
        round((n.original_total - n.discount) / (n.quantity or 1))
    ),
    "totalDiscountSet": lambda n: n.order.bag(n.discount),
    "taxLines": line_tax_lines,
    "variant": item,
    "product": item,
    "customAttributes": always([]),
}

TYPES: dict[str, Fields] = {
    "Order": ORDER,
    "LineItem": LINE_ITEM,
    "Fulfillment": {
        "id": lambda f: gid("Fulfillment", f.facts.fulfillment_id),
        "legacyResourceId": lambda f: str(f.facts.fulfillment_id),
        "name": lambda f: f"{f.order.order.name}-F{f.facts.fulfillment_id}",
        "createdAt": lambda f: instant(f.facts.shipped_at),
        "updatedAt": lambda f: instant(f.delivered_at or f.facts.shipped_at),
        "deliveredAt": lambda f: instant(f.delivered_at),
        "inTransitAt": lambda f: instant(f.facts.shipped_at),
        "estimatedDeliveryAt": nothing,
        "displayStatus": lambda f: "DELIVERED" if f.delivered_at else "IN_TRANSIT",
        "status": always("SUCCESS"),
        "totalQuantity": attrgetter("quantity"),
        "requiresShipping": always(True),
        "order": attrgetter("order"),
    },
    "ShippingLine": {
        "id": lambda o: gid("ShippingLine", o.order.order_id),
        "title": always("Standard"),
        "code": always("standard"),
        "originalPriceSet": lambda o: o.bag(
            sum(n.paid + discount_with_tax(n) for n in o.sold if n.kind == "shipping")
        ),
        "discountedPriceSet": summed(sold, shipping),
        "taxLines": lambda o: tax_lines(sum(n.tax for n in o.sold if n.kind == "shipping"), o),
    },
    "OrderTransaction": {
        "id": lambda t: gid("OrderTransaction", t["id"]),
        "kind": lambda t: t["kind"],
        "status": always("SUCCESS"),
        "gateway": lambda t: t["gateway"],
        "formattedGateway": lambda t: t["gateway"].replace("_", " ").title(),
        "amountSet": lambda t: t["bag"],
        "createdAt": lambda t: instant(t["at"]),
        "processedAt": lambda t: instant(t["at"]),
        "test": lambda t: t["order"].order.test,
    },
    "TaxLine": {
        "channelLiable": always(False),
        "price": lambda t: amount_text(t["bag"][1].to_shop(t["bag"][0]), t["bag"][1].shop_currency),
        "priceSet": lambda t: t["bag"],
        "rate": lambda t: t["rate"] / 100,
        "ratePercentage": lambda t: t["rate"],
        "source": always("Shopify"),
        "title": lambda t: t["title"],
    },
    "CustomerJourneySummary": {
        "customerOrderIndex": nothing,
        "daysToConversion": nothing,
        "firstVisit": lambda v: v,
        "lastVisit": lambda v: v,
        "ready": always(True),
    },
    "CustomerVisit": {
        "id": lambda v: gid("CustomerVisit", v["order"].order.order_id),
        "landingPage": always("/"),
        "occurredAt": lambda v: instant(v["order"].order.created_at),
        "referrerUrl": lambda v: v["referrer"],
        "source": lambda v: v["source"],
        "sourceDescription": lambda v: v["source"],
        "sourceType": lambda v: v["tactic"],
        "utmParameters": lambda v: v["utm"],
    },
    "UTMParameters": {
        **{name: itemgetter(name) for name in ("source", "medium", "campaign")},
        "content": nothing,
        "term": nothing,
    },
}
