"""The shop's events as the API's objects, as of one instant: what happened later is not there yet.

Views are made for one answer and thrown away; only the light `OrderRef`s of `snapshot` live longer.
`typename` on a class or object tells an interface's concrete type.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ecom_pipeline.sandbox.events import Agreement, Fulfillment, Order, Product, Restock, SaleLine
from ecom_pipeline.sandbox.vendors.shopify.money import Bag, Exchange, exchange

if TYPE_CHECKING:
    from ecom_pipeline.sandbox.vendors.shopify.snapshot import Snapshot

SALE_TYPES = {
    "product": ("ProductSale", "PRODUCT"),
    "gift_card": ("GiftCardSale", "GIFT_CARD"),
    "shipping": ("ShippingLineSale", "SHIPPING"),
    "adjustment": ("AdjustmentSale", "ADJUSTMENT"),
    "tip": ("TipSale", "TIP"),
}
AGREEMENT_TYPES = {
    "order": ("OrderAgreement", "ORDER"),
    "edit": ("OrderEditAgreement", "ORDER_EDIT"),
    "refund": ("RefundAgreement", "REFUND"),
    "cancel": ("RefundAgreement", "REFUND"),
}


class OrderRef(NamedTuple):
    """An order in a list: the facts and when they last changed."""

    order: Order
    updated_at: datetime


class OrderView:
    """An order as it stands at `now`."""

    typename = "Order"

    def __init__(self, ref: OrderRef, snapshot: Snapshot) -> None:
        self.order = ref.order
        self.updated_at = ref.updated_at
        self.now = snapshot.now
        self.snapshot = snapshot
        self.exchange: Exchange = exchange(self.order.currency, snapshot.shop.currency, self.order.shop_rate)

    @cached_property
    def agreements(self) -> list[AgreementView]:
        return [AgreementView(a, self) for a in self.order.agreements if a.at <= self.now]

    @cached_property
    def lines(self) -> dict[int, LineItemView]:
        """The order's line items by id, with everything ever agreed about each."""
        lines: dict[int, LineItemView] = {}
        for agreement in self.agreements:
            for line in agreement.facts.lines:
                line_id = line_item_id(self.order, line)
                if line_id is not None:
                    view = lines.get(line_id)
                    if view is None:
                        view = lines[line_id] = LineItemView(line_id, line.product, line.kind, self)
                    view.sold.append((agreement.returns, line))
        return lines

    @cached_property
    def sold(self) -> list[SaleLine]:
        """Lines of the sale and its edits: what `total…` fields add up."""
        return [line for a in self.agreements if not a.returns for line in a.facts.lines]

    @cached_property
    def returned(self) -> list[SaleLine]:
        return [line for a in self.agreements if a.returns for line in a.facts.lines]

    @cached_property
    def fulfillments(self) -> list[FulfillmentView]:
        return [FulfillmentView(f, self) for f in self.order.fulfillments if f.shipped_at <= self.now]

    @cached_property
    def refunds(self) -> list[RefundView]:
        return [RefundView(a) for a in self.agreements if a.returns]

    @property
    def voided(self) -> bool:
        return self.order.voided_at is not None and self.order.voided_at <= self.now

    @property
    def authorized(self) -> bool:
        return self.order.voided_at is not None and self.order.voided_at > self.now

    @property
    def cancelled_at(self) -> datetime | None:
        at = self.order.cancelled_at
        return at if at is not None and at <= self.now else None

    def bag(self, amount: int) -> Bag:
        return (amount, self.exchange)

    def refunded(self) -> int:
        return -sum(line.paid for line in self.returned)

    def received(self) -> int:
        """What was captured before refunds, in the buyer's minor units."""
        if self.order.voided_at is not None:
            return 0
        return sum(line.paid for line in self.sold)


def line_item_id(order: Order, line: SaleLine) -> int | None:
    """The line item a sale belongs to; the platform keeps a tip as a line item of its own."""
    if line.line_item_id is not None:
        return line.line_item_id
    return order.order_id * 1000 + 999 if line.kind == "tip" else None


def discount_with_tax(line: SaleLine) -> int:
    """The discount as the buyer saw it: with the tax it saved, at the line's own tax rate."""
    net = line.gross - line.discount
    if not line.discount or not net or not line.tax:
        return line.discount
    twice = 2 * line.discount * (net + line.tax) + net
    return twice // (2 * net)


class AgreementView:
    """One agreement; `typename` differs between sale, edit and refund."""

    __slots__ = ("facts", "order", "reason", "returns", "typename")

    def __init__(self, facts: Agreement, order: OrderView) -> None:
        self.facts = facts
        self.order = order
        self.typename, self.reason = AGREEMENT_TYPES[facts.kind]
        self.returns = self.reason == "REFUND"

    @property
    def sales(self) -> list[SaleView]:
        return [SaleView(line, number, self) for number, line in enumerate(self.facts.lines)]


class SaleView:
    """One line of an agreement."""

    __slots__ = ("agreement", "line", "line_type", "number", "typename")

    def __init__(self, line: SaleLine, number: int, agreement: AgreementView) -> None:
        self.line = line
        self.number = number
        self.agreement = agreement
        self.typename, self.line_type = SALE_TYPES[line.kind]

    @property
    def action(self) -> str:
        kind = self.agreement.facts.kind
        if kind == "order":
            return "ORDER"
        return "RETURN" if self.agreement.returns and self.line.paid <= 0 else "UPDATE"

    @property
    def line_item(self) -> LineItemView:
        order = self.agreement.order
        line_id = line_item_id(order.order, self.line)
        if line_id is None:
            raise LookupError(f"a {self.line.kind} line of order {order.order.name} names no line item")
        return order.lines[line_id]

    def bag(self, amount: int) -> Bag:
        return (amount, self.agreement.order.exchange)


class LineItemView:
    """A line item and every sale line about it, each with whether it belongs to a refund."""

    __slots__ = ("kind", "line_id", "order", "product", "sold")
    typename = "LineItem"

    def __init__(self, line_id: int, product: Product | None, kind: str, order: OrderView) -> None:
        self.line_id = line_id
        self.product = product
        self.kind = kind
        self.order = order
        self.sold: list[tuple[bool, SaleLine]] = []

    @property
    def quantity(self) -> int:
        """Units ordered, those taken back or removed included."""
        return sum(line.quantity for _, line in self.sold if line.quantity > 0) or int(self.kind == "tip")

    @property
    def current_quantity(self) -> int:
        return sum(line.quantity for _, line in self.sold) or int(self.kind == "tip" and not self.returned)

    @property
    def returned(self) -> bool:
        return any(returns for returns, _ in self.sold)

    @property
    def original_total(self) -> int:
        """With tax, as prices in this shop include it; before any discount."""
        return sum(line.paid + discount_with_tax(line) for returns, line in self.sold if not returns)

    @property
    def original_unit_price(self) -> int:
        first = self.sold[0][1]
        return round((first.paid + discount_with_tax(first)) / (first.quantity or 1))

    @property
    def discount(self) -> int:
        return sum(discount_with_tax(line) for returns, line in self.sold if not returns)

    @property
    def tax(self) -> int:
        return sum(line.tax for returns, line in self.sold if not returns)


class FulfillmentView:
    """A parcel as of now: not delivered before it was."""

    __slots__ = ("facts", "order")
    typename = "Fulfillment"

    def __init__(self, facts: Fulfillment, order: OrderView) -> None:
        self.facts = facts
        self.order = order

    @property
    def delivered_at(self) -> datetime | None:
        at = self.facts.delivered_at
        return at if at is not None and at <= self.order.now else None

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.order.sold if line.kind == "product")


class RefundView:
    """The refund inside a refund or cancel agreement."""

    __slots__ = ("agreement", "facts", "order")
    typename = "Refund"

    def __init__(self, agreement: AgreementView) -> None:
        self.agreement = agreement
        self.facts = agreement.facts
        self.order = agreement.order

    @property
    def refund_id(self) -> int:
        return self.facts.refund_id if self.facts.refund_id is not None else self.facts.agreement_id

    @property
    def amount(self) -> int:
        return -sum(line.paid for line in self.facts.lines)

    @property
    def line_items(self) -> list[RefundLineView]:
        """One for each restock, and one for what was taken back without any word about the shelf."""
        told: dict[int, int] = {}
        for restock in self.facts.restocks:
            told[restock.line_item_id] = told.get(restock.line_item_id, 0) + restock.quantity
        back: dict[int, int] = {}
        for line in self.facts.lines:
            if line.line_item_id is not None and line.quantity < 0:
                back[line.line_item_id] = back.get(line.line_item_id, 0) - line.quantity
        silent = [Restock(i, n - told.get(i, 0), False) for i, n in back.items() if n > told.get(i, 0)]
        return [RefundLineView(r, number, self) for number, r in enumerate((*self.facts.restocks, *silent))]


class RefundLineView:
    """Articles of one line that a refund put back or not."""

    __slots__ = ("number", "refund", "restock")
    typename = "RefundLineItem"

    def __init__(self, restock: Restock, number: int, refund: RefundView) -> None:
        self.restock = restock
        self.number = number
        self.refund = refund

    @property
    def line_item(self) -> LineItemView:
        return self.refund.order.lines[self.restock.line_item_id]

    @property
    def restock_type(self) -> str:
        """RETURN once the order had shipped, CANCEL before, NO_RESTOCK when the shelf got nothing back."""
        if not self.restock.restocked:
            return "NO_RESTOCK"
        shipped = any(f.shipped_at <= self.refund.facts.at for f in self.refund.order.order.fulfillments)
        return "RETURN" if shipped else "CANCEL"

    def part(self, of: str) -> int:
        """This entry's share, by quantity, of what the refund gives back for its line item."""
        lines = [n for n in self.refund.facts.lines if n.line_item_id == self.restock.line_item_id]
        total = -sum(line.tax if of == "tax" else line.paid for line in lines)
        units = -sum(line.quantity for line in lines)
        return total if units in (0, self.restock.quantity) else round(total * self.restock.quantity / units)
