"""The lines of an order: what was sold, what credit slips give back, and what was left when it was given up.

Amounts are rounded to cents with and without tax, so that both and their difference, the tax, add up to what was
paid. An order's discount stands beside its goods: it is spread over them by their prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ecom_pipeline.sources.fields import Fields

Line = dict[str, Any]
ZERO, CENT = Decimal(0), Decimal("0.01")
GIVEN_UP = "given-up"


def sale_lines(
    order: Fields, details: Sequence[Fields], rules: Iterable[Fields], happened_at: datetime
) -> list[Line]:
    """Articles, shipping and wrapping as they were sold.

    A rule of free shipping takes the shipping off; what else is off is off the goods, as far as they go.
    """
    free = any(rule.integer("free_shipping") for rule in rules)
    prices = [taxed(detail, "total_price") for detail in details]
    shipping, discount = taxed(order, "total_shipping"), taxed(order, "total_discounts")
    goods = [sum(column, ZERO) for column in zip(*prices, strict=True)] or [ZERO, ZERO]
    on_shipping = [
        min(off, freight) if free else max(off - price, ZERO)
        for off, freight, price in zip(discount, shipping, goods, strict=True)
    ]
    shares = [spread(discount[at] - on_shipping[at], [price[at] for price in prices]) for at in range(2)]
    found = [
        line("product", detail.integer("id"), None, happened_at, price, off)
        | {**article(detail), "quantity": detail.integer("product_quantity")}
        for detail, price, off in zip(details, prices, zip(*shares, strict=True), strict=True)
    ]
    beside = (("shipping", shipping, on_shipping), ("wrapping", taxed(order, "total_wrapping"), (ZERO, ZERO)))
    return found + [line(kind, 1, None, happened_at, price, off) for kind, price, off in beside if any(price)]


def slip_lines(slip: Fields, details: Sequence[Fields], happened_at: datetime) -> list[Line]:
    """What a credit slip gives back, negative.

    A slip may give back more or less than its articles cost, as when the order's discount is kept: the rest is a line
    of its own, its tax in proportion to that of the articles.
    """
    known = {detail.integer("id"): detail for detail in details}
    refund_id, found = str(slip.integer("id")), []
    for one in associated(slip, "order_slip_details"):
        given = Fields(one, "credit slip article", slip.subject)
        number = given.integer("id_order_detail")
        back = line("product", number, refund_id, happened_at, minus(taxed(given, "amount")))
        if number in known:
            back |= article(known[number])
        found.append(back | {"quantity": -given.integer("product_quantity")})
    goods, told = taxed(slip, "total_products"), sum((one["total"] + one["tax"] for one in found), ZERO)
    beyond = -goods[1] - told
    if beyond and goods[1]:
        untaxed = sum((one["total"] for one in found), ZERO)
        part = cents(beyond * untaxed / told) if told else -goods[0]
        found.append(line("adjustment", 1, refund_id, happened_at, (part, beyond)))
    shipping = taxed(slip, "total_shipping")
    return found + ([line("shipping", 1, refund_id, happened_at, minus(shipping))] if any(shipping) else [])


def given_up_lines(lines: Iterable[Line], happened_at: datetime) -> list[Line]:
    """What is still sold of an order that counts no more, given back on the day it was given up."""
    left: dict[str, Line] = {}
    for one in lines:
        line_id = sold_id(one)
        place = left.setdefault(line_id, one | {"quantity": 0, "total": ZERO, "tax": ZERO})
        for name in ("quantity", "total", "tax"):
            place[name] -= one[name]
    ended = {"refund_id": GIVEN_UP, "happened_at": happened_at}
    return [
        one | ended | {"line_id": f"{sold_id(one)}@{GIVEN_UP}", "subtotal": one["total"]}
        for one in left.values()
        if one["quantity"] or one["total"] or one["tax"]
    ]


def line(
    kind: str,
    number: int,
    refund_id: str | None,
    happened_at: datetime,
    price: Sequence[Decimal],
    off: Sequence[Decimal] = (ZERO, ZERO),
) -> Line:
    """A line at a price, less what is off, each without and with tax."""
    total = price[0] - off[0]
    return {
        "line_id": f"{kind}-{number}" if refund_id is None else f"{kind}-{number}@{refund_id}",
        "refund_id": refund_id,
        "happened_at": happened_at,
        "kind": kind,
        "product_id": None,
        "product": None,
        "quantity": 0,
        "subtotal": price[0],
        "total": total,
        "tax": price[1] - off[1] - total,
    }


def sold_id(one: Line) -> str:
    """The line of the sale that a line is, or gives back of."""
    return str(one["line_id"]).partition("@")[0]


def article(detail: Fields) -> Line:
    """Which article a line is about."""
    has_combination = detail.value("product_attribute_id") not in (None, "")  # empty in old orders, else 0
    number = detail.integer("product_id")
    combination = detail.integer("product_attribute_id") if has_combination else 0
    return {"product_id": article_id(number, combination), "product": detail.text("product_name")}


def article_id(product: int, combination: int) -> str:
    """The number of a sellable article: products and their combinations are counted apart."""
    return f"{product}-{combination}" if combination else str(product)


def associated(item: Fields, name: str) -> list[Any]:
    """What comes with an item; one without any comes without the field."""
    beside = item.item.get("associations") or {}
    return Fields(beside, f"{item.kind}.associations", item.subject).items(name) if name in beside else []


def spread(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount over lines in proportion to their weights, to the cent; the last with a weight takes the rest."""
    left, total, shares = amount, sum(weights, ZERO), []
    for weight in weights:
        shares.append(cents(left * weight / total) if total else ZERO)
        left, total = left - shares[-1], total - weight
    return shares


def taxed(item: Fields, name: str) -> tuple[Decimal, Decimal]:
    """An amount without and with tax, each in cents."""
    return cents(amount(item, f"{name}_tax_excl")), cents(amount(item, f"{name}_tax_incl"))


def minus(amounts: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    return -amounts[0], -amounts[1]


def amount(item: Fields, name: str) -> Decimal:
    """An amount as the database writes it, as text; some hosts' drivers make a number of it.

    Rows older than a column have nothing in it, which is no amount.
    """
    value = item.value(name)
    if value is None or value == "":
        return ZERO
    return item.written_number(name) if isinstance(value, str) else item.number(name)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)
