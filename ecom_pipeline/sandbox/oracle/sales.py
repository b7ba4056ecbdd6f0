"""Sales: what was sold, by whom it was brought, and how well visits became sales."""

from __future__ import annotations

from decimal import Decimal

from ecom_pipeline.sandbox.oracle.books import Books, traffic_segments
from ecom_pipeline.sandbox.oracle.figures import Fact, Kpi, flow, minus, ratio

BY_LINE = ("channel", "device", "country", "shop", "product")
BY_ORDER = ("channel", "device", "country", "shop")
BY_VISIT = ("channel", "device", "country")


def _purchase_sessions(books: Books) -> list[Fact]:
    return [Fact(one.day, traffic_segments(one), Decimal(one.purchase_sessions)) for one in books.traffic]


KPIS: dict[str, Kpi] = {
    "gross_merchandise_value": flow(BY_LINE, lambda books: books.gross),
    "net_sales": flow(BY_LINE, lambda books: books.net),
    "orders": flow(BY_ORDER, lambda books: books.orders),
    "average_order_value": ratio(
        BY_ORDER, lambda books: books.gross + minus(books.discounts), lambda books: books.orders
    ),
    "units_per_order": ratio(BY_ORDER, lambda books: books.units, lambda books: books.orders),
    "discount_rate": ratio(BY_ORDER, lambda books: books.discounts, lambda books: books.gross),
    "conversion_rate": ratio(BY_VISIT, _purchase_sessions, lambda books: books.sessions),
    "revenue_per_session": ratio(BY_VISIT, lambda books: books.net, lambda books: books.sessions),
}
