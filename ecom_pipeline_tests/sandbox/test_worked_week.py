"""The worked week must be the KPI catalogue's table, line by line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from ecom_pipeline.sandbox.events import Order
from ecom_pipeline.sandbox.generator.clock import (
    Clock,
)
from ecom_pipeline.sandbox.worked_week import worked_week_shop
from ecom_pipeline_tests.sandbox.generated import (
    agreements_of,
    assert_money_balances,
)


def _euros(order: Order, amount: int) -> Decimal:
    return Decimal(amount) / 100 / (Decimal("1.16") if order.currency == "USD" else 1)


def test_the_worked_week_is_the_catalogue_s() -> None:
    shop = worked_week_shop()
    clock = Clock(shop.time_zone, shop.first_day, shop.last_day)
    figures: dict[str, list[Decimal]] = {
        name: [Decimal(0)] * 7 for name in ("gross", "discount", "returns", "orders", "cost")
    }
    units = 0
    for order, agreement in agreements_of(shop):
        first = order.agreements[0]
        if order.test or order.voided_at or not any(line.kind == "product" for line in first.lines):
            continue
        weekday = clock.day_of(agreement.at).weekday()
        figures["orders"][weekday] += agreement is first
        for line in agreement.lines:
            net = _euros(order, line.gross - line.discount)
            if line.kind == "adjustment" or (line.kind == "product" and line.quantity < 0):
                figures["returns"][weekday] -= net
            elif line.kind == "product":
                figures["gross"][weekday] += _euros(order, line.gross)
                figures["discount"][weekday] += _euros(order, line.discount)
                units += line.quantity
            if line.product and line.product.unit_cost:
                figures["cost"][weekday] += Decimal(line.quantity * line.product.unit_cost) / 10_000
    assert figures == {
        "gross": [70, 100, 30, 50, 90, 50, 50],
        "discount": [0, 10, 0, 0, 0, 0, 0],
        "returns": [0, 0, 0, 0, 0, 90, 25],
        "orders": [1, 1, 2, 1, 1, 1, 1],
        "cost": [28, 40, 8, 20, 36, 20 - 36, 20 - 8],
    }
    assert units == 12
    assert sum(figures["cost"]) == 128


def test_the_worked_week_s_payments_are_the_catalogue_s() -> None:
    shop = worked_week_shop()
    orders = {order.name: order for order in shop.orders}
    assert_money_balances(shop)
    charged = {charge.order_id: charge.amount for charge in shop.charges}
    assert charged[orders["#O6"].order_id] == 1000
    assert orders["#O6"].gift_card_paid == 5000
    assert charged[orders["#O10"].order_id] == 5800
    assert charged[orders["#O11"].order_id] == 6050
    assert [refund.amount for refund in shop.card_refunds] == [2400, 600, 10_800]
    assert shop.rates[date(2026, 10, 23)]["USD"] == "1.1600"
    assert orders["#O11"].created_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert orders["#O3"].created_at == datetime(2026, 10, 20, 22, 30, tzinfo=UTC)
