"""Generated shops and what several tests ask of them; each shop is made once per run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache

from ecom_pipeline.sandbox.events import Agreement, Order, Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.generator.clock import (
    Clock,
)

FIRST_DAY, LAST_DAY = date(2025, 9, 29), date(2026, 11, 21)


@lru_cache(maxsize=1)
def sixty_weeks() -> Shop:
    """Sixty weeks at 24 orders a day; read only."""
    return generate_shop(11, FIRST_DAY, LAST_DAY, 24.0)


@lru_cache(maxsize=1)
def twelve_days() -> Shop:
    """Twelve days in March with the day of 23 hours; read only."""
    return generate_shop(3, date(2026, 3, 20), date(2026, 3, 31), 25.0)


def agreements_of(shop: Shop) -> Iterator[tuple[Order, Agreement]]:
    """Every agreement with its order."""
    for order in shop.orders:
        for agreement in order.agreements:
            yield order, agreement


def end_of(shop: Shop) -> datetime:
    """The first instant after the last day."""
    return Clock(shop.time_zone, shop.first_day, shop.last_day).end


def assert_money_balances(shop: Shop) -> None:
    """What was agreed is what was paid, order by order, in cents of its currency."""
    captured: Counter[int] = Counter()
    refunded: Counter[int] = Counter()
    for charge in shop.charges:
        captured[charge.order_id] += charge.amount
    for refund in shop.card_refunds:
        refunded[refund.order_id] += refund.amount
    for order in shop.orders:
        if order.test:
            assert captured[order.order_id] == 0
            continue
        paid = sum(line.paid for agreement in order.agreements for line in agreement.lines)
        expected = order.gift_card_paid + captured[order.order_id] - refunded[order.order_id]
        assert paid == (0 if order.voided_at else expected), order.name
        assert 0 <= refunded[order.order_id] <= captured[order.order_id]
