"""The sales ledger: every line of every agreement of valid orders, in the reporting currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ecom_pipeline.sandbox.events import AgreementKind, LineKind, Product
from ecom_pipeline.sandbox.oracle.exchange import Exchange
from ecom_pipeline.sandbox.oracle.figures import UNKNOWN, Fact
from ecom_pipeline.sandbox.oracle.known import Knowledge, KnownOrder


@dataclass(frozen=True)
class LedgerLine:
    """One line, on the day of its agreement; amounts are signed currency units without tax."""

    known: KnownOrder
    day: date
    agreement_kind: AgreementKind
    kind: LineKind
    product: Product | None
    segments: Mapping[str, str]  # the order's, and product
    gross: Decimal
    discount: Decimal
    quantity: int
    sold: bool  # an article sold, not given back

    @property
    def given_back(self) -> bool:
        """Whether the line reduces sales: articles taken back, or money returned without any."""
        return self.kind == "adjustment" or (self.kind == "product" and not self.sold)

    @property
    def cost_known(self) -> bool:
        """Whether the margin of the line can be told: an article with a cost, or no article at all."""
        if self.kind == "adjustment":
            return True
        return self.product is not None and self.product.unit_cost is not None

    def fact(self, amount: Decimal) -> Fact:
        return Fact(self.day, self.segments, amount, self.known.order.order_id)


def compute_lines(orders: list[KnownOrder], knowledge: Knowledge, exchange: Exchange) -> Iterator[LedgerLine]:
    """Every known line, gross and discount converted apart at the rate of the agreement's day."""
    for known in orders:
        currency = known.order.currency
        for agreement in known.agreements:
            day = knowledge.local_day(agreement.at)
            for line in agreement.lines:
                product = line.product if line.kind == "product" else None
                yield LedgerLine(
                    known=known,
                    day=day,
                    agreement_kind=agreement.kind,
                    kind=line.kind,
                    product=product,
                    segments=with_product(known, product),
                    gross=exchange.convert(line.gross, currency, day),
                    discount=exchange.convert(line.discount, currency, day),
                    quantity=line.quantity,
                    sold=line.kind == "product" and (line.gross > 0 or line.quantity > 0),
                )


def compute_cost_of_goods(
    orders: list[KnownOrder], lines: list[LedgerLine], knowledge: Knowledge, exchange: Exchange
) -> Iterator[Fact]:
    """Cost of articles sold, and its reversal when articles go back on the shelf; unknown costs left out."""
    for line in lines:
        if line.sold and line.product is not None and line.product.unit_cost is not None:
            yield line.fact(_cost(line.product, line.quantity, line.day, knowledge, exchange))
    for known in orders:
        articles = _articles(known)
        for agreement in known.agreements:
            day = knowledge.local_day(agreement.at)
            for restock in agreement.restocks:
                product = articles.get(restock.line_item_id)
                if restock.restocked and product is not None and product.unit_cost is not None:
                    amount = -_cost(product, restock.quantity, day, knowledge, exchange)
                    yield Fact(day, with_product(known, product), amount, known.order.order_id)


def with_product(known: KnownOrder, product: Product | None) -> dict[str, str]:
    """The order's segments, the product's and the variant's."""
    if product is None:
        return {**known.segments, "product": UNKNOWN, "variant": UNKNOWN}
    return {**known.segments, "product": product.title, "variant": str(product.variant_id)}


def _cost(product: Product, quantity: int, day: date, knowledge: Knowledge, exchange: Exchange) -> Decimal:
    """At the cost in the storefront's own currency; a foreign one is converted at the day's rate, to cents."""
    ten_thousandths = (product.unit_cost or 0) * quantity
    currency = knowledge.currency_of(product.storefront)
    if currency == exchange.reporting:
        return Decimal(ten_thousandths).scaleb(-4)
    return exchange.convert_exact(Decimal(ten_thousandths).scaleb(-4), currency, day)


def _articles(known: KnownOrder) -> dict[int, Product]:
    return {
        line.line_item_id: line.product
        for agreement in known.agreements
        for line in agreement.lines
        if line.kind == "product" and line.line_item_id is not None and line.product is not None
    }
