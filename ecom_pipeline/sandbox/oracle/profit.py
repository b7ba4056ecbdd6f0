"""Profit: what is left of sales after each cost, and how much of what was sold comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ecom_pipeline.sandbox.oracle.books import Books
from ecom_pipeline.sandbox.oracle.figures import Fact, Kpi, flow, minus, ratio
from ecom_pipeline.sandbox.oracle.ledger import LedgerLine

RETURNS_MATURE = timedelta(days=30)
MARGIN_BY = ("channel", "country", "product")
BY_ORIGIN = ("channel", "country")
BY_ARTICLE = ("country", "product")


def _net_of_known_cost(books: Books) -> list[Fact]:
    return [
        line.fact(line.gross - line.discount)
        for line in books.lines
        if (line.sold or line.given_back) and line.cost_known
    ]


def _margin(books: Books) -> list[Fact]:
    return _net_of_known_cost(books) + minus(books.cost_of_goods)


def _gross_of_known_cost(books: Books) -> list[Fact]:
    return [line.fact(line.gross) for line in books.lines if line.sold and line.cost_known]


def _net_profit(books: Books) -> list[Fact]:
    return books.contribution + minus(books.fixed_costs)


def _mature_lines(books: Books) -> Iterator[LedgerLine]:
    for line in books.lines:
        if not line.known.cancelled and line.known.day + RETURNS_MATURE <= books.as_of_day:
            yield line


def _returned_by_order_day(books: Books) -> list[Fact]:
    return [
        line.fact(line.discount - line.gross)._replace(day=line.known.day)
        for line in _mature_lines(books)
        if line.kind == "product" and not line.sold and line.agreement_kind == "refund"
    ]


def _sold_by_order_day(books: Books) -> list[Fact]:
    return [
        line.fact(line.gross - line.discount)._replace(day=line.known.day)
        for line in _mature_lines(books)
        if line.sold
    ]


KPIS: dict[str, Kpi] = {
    "gross_margin_rate": ratio(MARGIN_BY, _margin, _net_of_known_cost),
    "contribution_margin": flow(BY_ORIGIN, lambda books: books.contribution),
    "contribution_margin_per_order": ratio(
        BY_ORIGIN, lambda books: books.contribution, lambda books: books.orders
    ),
    "net_margin_rate": ratio((), _net_profit, lambda books: books.net),
    "logistics_cost_per_order": ratio(
        ("country",), lambda books: books.logistics, lambda books: books.shipped_orders
    ),
    "payment_fee_rate": ratio((), lambda books: books.payment_fees, lambda books: books.captured),
    "return_rate": ratio(BY_ARTICLE, _returned_by_order_day, _sold_by_order_day),
}

COVERAGE: dict[str, Kpi] = {
    "gross_margin_rate": ratio(MARGIN_BY, _gross_of_known_cost, lambda books: books.gross),
}
