"""Parcels go with the orders' shipments and refunds; shelves add up, run out and fill again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from ecom_pipeline.sandbox.events import Shop, StockDay
from ecom_pipeline.sandbox.generator.clock import Clock

from .generated import agreements_of, end_of, sixty_weeks, twelve_days


def clock_of(shop: Shop) -> Clock:
    return Clock(shop.time_zone, shop.first_day, shop.last_day)


def test_each_shipment_is_a_parcel_with_its_own_times() -> None:
    shop = sixty_weeks()
    sent = Counter(
        (one.order_id, one.handed_over_at, one.delivered_at) for one in shop.parcels if not one.is_return
    )
    assert sent == Counter(
        (order.order_id, parcel.shipped_at, parcel.delivered_at)
        for order in shop.orders
        for parcel in order.fulfillments
    )
    assert len(sent) > 8_000


def test_each_refund_of_articles_that_had_left_is_a_parcel_back() -> None:
    shop = sixty_weeks()
    back = Counter(one.order_id for one in shop.parcels if one.is_return)
    assert back == Counter(
        order.order_id
        for order, agreement in agreements_of(shop)
        if any(restock.quantity for restock in agreement.restocks)
        and any(parcel.shipped_at < agreement.at for parcel in order.fulfillments)
    )
    assert len(back) > 400


def test_a_parcel_moves_forward_in_time_and_ends_before_the_history() -> None:
    shop = sixty_weeks()
    placed_at = {order.order_id: order.created_at for order in shop.orders}
    for parcel in shop.parcels:
        assert placed_at[parcel.order_id] <= parcel.announced_at <= parcel.handed_over_at
        assert parcel.delivered_at is None or parcel.handed_over_at <= parcel.delivered_at < end_of(shop)
        assert 160 < parcel.weight_grams < 40_000
    assert [one.parcel_id for one in shop.parcels] == sorted({one.parcel_id for one in shop.parcels})


def test_carriers_go_by_country() -> None:
    carriers: dict[str, set[str]] = {}
    for parcel in sixty_weeks().parcels:
        carriers.setdefault(parcel.country, set()).add(parcel.carrier)
    assert carriers["FR"] == {"Colissimo", "Mondial Relay", "Chronopost"}
    assert carriers["DE"] == {"DPD", "Chronopost"}
    assert carriers["BE"] == {"Mondial Relay", "DPD"}


def test_a_shelf_is_what_was_there_and_came_less_what_was_taken() -> None:
    """Counted from the orders anew: sold and edited out, less what was edited back or put back."""
    shop = sixty_weeks()
    clock = clock_of(shop)
    taken: Counter[tuple[int, object]] = Counter()
    for order, agreement in agreements_of(shop):
        if order.test:
            continue
        day = clock.day_of(agreement.at)
        articles = {
            line.line_item_id: line.product for one in order.agreements for line in one.lines if line.product
        }
        for line in agreement.lines:
            if line.kind == "product" and line.product and agreement.refund_id is None:
                taken[line.product.variant_id, day] += line.quantity
        for restock in agreement.restocks:
            if restock.restocked:
                taken[articles[restock.line_item_id].variant_id, day] -= restock.quantity
    before: dict[int, StockDay] = {}
    for stock in shop.stock:
        variant = stock.product.variant_id
        if variant in before:
            assert before[variant].day + timedelta(days=1) == stock.day
            expected = before[variant].on_hand + stock.received - taken[variant, stock.day]
            assert stock.on_hand == expected, (stock.day, stock.product.title)
        before[variant] = stock
    assert len(before) == len(shop.products)


def test_shelves_run_out_are_oversold_filled_and_taken_off_sale() -> None:
    stock = sixty_weeks().stock
    out = [one for one in stock if one.on_hand <= 0]
    assert 0.005 < len(out) / len(stock) < 0.2
    assert any(one.on_hand < 0 for one in out)
    assert any(not one.active for one in out) and all(one.active for one in stock if one.on_hand > 0)
    assert sum(one.received for one in stock) > 10_000


def test_a_short_history_has_its_shelves_too() -> None:
    shop = twelve_days()
    assert {one.day for one in shop.stock} == set(clock_of(shop).days())
