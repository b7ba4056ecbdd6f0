"""An order in the making: what is still owed either way, so that every later event balances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from ecom_pipeline.sandbox.events import (
    Agreement,
    AgreementKind,
    Device,
    Fulfillment,
    LineKind,
    Order,
    Product,
    Restock,
    SaleLine,
    Storefront,
    Visit,
)
from ecom_pipeline.sandbox.generator.people import Person
from ecom_pipeline.sandbox.generator.streams import VendorIds


@dataclass(slots=True)
class OpenLine:
    """What is left of a line after the returns so far."""

    kind: LineKind
    quantity: int
    gross: int
    discount: int
    tax: int
    line_item_id: int | None
    product: Product | None

    def take_back(self, quantity: int) -> SaleLine:
        """The negative line for some of the articles; the last of them takes the rest to the cent."""
        gross, discount, tax = (
            value * quantity // self.quantity for value in (self.gross, self.discount, self.tax)
        )
        self.quantity -= quantity
        self.gross -= gross
        self.discount -= discount
        self.tax -= tax
        return SaleLine(self.kind, -gross, -discount, -tax, -quantity, self.line_item_id, self.product)

    def take_back_all(self) -> SaleLine:
        """The negative line that leaves nothing."""
        line = SaleLine(
            self.kind, -self.gross, -self.discount, -self.tax, -self.quantity, self.line_item_id, self.product
        )
        self.quantity = self.gross = self.discount = self.tax = 0
        return line


@dataclass(frozen=True, slots=True)
class CardMovement:
    """Money over the processor: positive is paid by the customer."""

    at: datetime
    amount: int
    agreement_id: int


@dataclass(slots=True)
class Draft:
    """A mutable order; `finish` freezes it."""

    ids: VendorIds
    order_id: int
    created_at: datetime
    end: datetime  # nothing is recorded from this instant on
    person: Person
    email: str | None
    currency: str
    shop_rate: Decimal
    visit: Visit
    device: Device
    discount_code: str | None
    front: Storefront
    article: Callable[[Product], Product]  # as the shop it is bought in knows it
    test: bool = False
    gift_card_paid: int = 0
    voided_at: datetime | None = None
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    open_lines: list[OpenLine] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    card: list[CardMovement] = field(default_factory=list)

    def add_line(
        self, kind: LineKind, gross: int, discount: int, quantity: int = 0, product: Product | None = None
    ) -> SaleLine:
        """Open a line with the country's VAT on what the discount leaves; gift cards and tips bear none."""
        vat = 0 if kind in ("gift_card", "tip") else self.person.place.vat
        tax = ((gross - discount) * vat + 50) // 100
        item = self.ids.number("line_item") if quantity else None
        product = self.article(product) if product is not None else None
        self.open_lines.append(OpenLine(kind, quantity, gross, discount, tax, item, product))
        return SaleLine(kind, gross, discount, tax, quantity, item, product)

    def price_of(self, product: Product) -> int:
        """Price before tax of one article, in minor units of the order's currency."""
        return self.in_currency(product.price * 5 // 6)

    def in_currency(self, euro_cents: int) -> int:
        """Minor units of the order's currency for a price in euro cents."""
        if self.currency == "EUR":
            return euro_cents
        return int((euro_cents / self.shop_rate).quantize(Decimal(1), ROUND_HALF_UP))

    def agree(
        self,
        kind: AgreementKind,
        at: datetime,
        lines: list[SaleLine],
        restocks: list[Restock] | None = None,
        by_card: bool = True,
    ) -> None:
        """Record an agreement and the card movement that settles it."""
        refund_id = self.ids.number("refund") if kind in ("refund", "cancel") else None
        agreement_id = self.ids.number("agreement")
        self.agreements.append(
            Agreement(agreement_id, kind, at, tuple(lines), refund_id, tuple(restocks or ()))
        )
        amount = sum(line.paid for line in lines)
        if kind == "order":
            amount -= self.gift_card_paid
        if by_card and amount:
            self.card.append(CardMovement(at, amount, agreement_id))

    def ship(self, shipped_at: datetime, delivered_at: datetime) -> None:
        """Record a parcel, unless the history ends before it leaves."""
        if shipped_at < self.end:
            delivered = delivered_at if delivered_at < self.end else None
            self.fulfillments.append(Fulfillment(self.ids.number("fulfillment"), shipped_at, delivered))

    def product_lines(self) -> list[OpenLine]:
        """Articles the customer still has a right to."""
        return [line for line in self.open_lines if line.kind == "product" and line.quantity > 0]

    def finish(self, name: str) -> Order:
        """The order as a fact."""
        place = self.person.place
        return Order(
            order_id=self.order_id,
            name=name,
            created_at=self.created_at,
            currency=self.currency,
            shop_rate=Decimal(1) if self.currency == self.front.currency else self.shop_rate,
            email=self.email,
            customer=self.person.customer,
            country=place.country,
            vat_percent=place.vat_percent,
            visit=self.visit,
            device=self.device,
            discount_code=self.discount_code,
            test=self.test,
            voided_at=self.voided_at,
            cancelled_at=self.cancelled_at,
            deleted_at=self.deleted_at,
            gift_card_paid=self.gift_card_paid,
            agreements=tuple(self.agreements),
            fulfillments=tuple(self.fulfillments),
            storefront=self.front.key,
        )
