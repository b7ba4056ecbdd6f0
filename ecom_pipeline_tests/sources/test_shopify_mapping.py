"""The mappings say in canonical words what Shopify said in its own; nothing doubles, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sources.contract import Change, Child, Column, Row, Table, Type
from ecom_pipeline.sources.shopify import ShopifySource

from .shopify_bench import (
    CHECKOUTS,
    FIRST_DAY,
    LAST_DAY,
    NOW,
    ORDERS,
    VARIANTS,
    ZONE,
    bench_of,
    shop_of_two_months,
)
from .vendor_sandbox import map_rows, raw_tables

Rows = dict[str, list[dict[str, Any]]]
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of_two_months()


@pytest.fixture(scope="module")
def mapped(shop: Shop) -> Iterator[Rows]:
    """The rows of every mapping over the whole shop."""
    with bench_of(shop) as bench:
        orders = bench.fetch(ORDERS, FIRST_DAY, LAST_DAY)
        tables: dict[str, tuple[Table, list[Row]]] = {
            "orders": (ORDERS, orders),
            "abandoned_checkouts": (CHECKOUTS, bench.fetch(CHECKOUTS, FIRST_DAY, LAST_DAY)),
            "variants": (VARIANTS, bench.fetch(VARIANTS, LAST_DAY, LAST_DAY)),
        }
        tables |= {child.name: children(child, orders) for child in ORDERS.children}
        yield mapped_rows(tables)


def mapped_rows(tables: Mapping[str, tuple[Table, list[Row]]]) -> Rows:
    connection = raw_tables(tables)
    mappings = ShopifySource.declared_mappings(None)
    return {name: map_rows(connection, text) for name, text in mappings.items()}


def children(child: Child, orders: list[Row]) -> tuple[Table, list[Row]]:
    """The child rows as a table of their own, keyed by their order as the raw log does."""
    columns = (Column("parent", Type.STRING, required=True), *child.columns)
    table = Table(child.name, child.grain, Change.FULL, ("parent",), columns, docs="")
    return table, [{**row, "parent": order["id"]} for order in orders for row in order[child.name]]


def local_day(at: datetime) -> Any:
    return at.astimezone(ZoneInfo(ZONE)).date()


def plain(at: datetime) -> datetime:
    """As the warehouse holds it: UTC, to the second, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


@pytest.mark.parametrize(
    ("mapping", "key"),
    [
        ("orders", "order_id"),
        ("sale_lines", "line_id"),
        ("restocks", "restock_id"),
        ("shipments", "shipment_id"),
        ("checkouts__orders", "checkout_id"),
        ("checkouts__abandoned", "checkout_id"),
        ("products", "product_id"),
    ],
)
def test_every_mapping_has_unique_keys_and_the_shops_name(mapped: Rows, mapping: str, key: str) -> None:
    rows = mapped[mapping]
    assert len({row[key] for row in rows}) == len(rows) > 0
    assert {row["shop"] for row in rows} == {"the_source"}
    assert all(row["_record"] is not None and row["day"] is not None for row in rows)


def test_orders_bear_their_local_day_and_state(mapped: Rows, shop: Shop) -> None:
    rows = {row["order_id"]: row for row in mapped["orders"]}
    known = [o for o in shop.orders if o.deleted_at is None or o.deleted_at > NOW]
    assert set(rows) == {str(order.order_id) for order in known}
    for order in known:
        row = rows[str(order.order_id)]
        assert row["order_reference"] == row["_record"] == str(order.order_id)
        assert (row["day"], row["ordered_at"]) == (local_day(order.created_at), plain(order.created_at))
        assert row["is_test"] == order.test
        assert row["is_voided"] == (order.voided_at is not None and order.voided_at <= NOW)
        assert (row["cancelled_at"] is None) == (order.cancelled_at is None or order.cancelled_at > NOW)
    assert any(row["is_voided"] for row in rows.values()) and any(row["is_test"] for row in rows.values())
    assert any(row["day"] != row["ordered_at"].date() for row in rows.values())


def test_lines_bear_the_shops_own_amounts(mapped: Rows, shop: Shop) -> None:
    actions = {"order": "sale", "edit": "edit", "refund": "refund", "cancel": "refund"}
    expected = sorted(
        (
            str(order.order_id),
            actions[agreement.kind],
            local_day(agreement.at),
            local_day(order.created_at),
            line.kind,
            line.gross * CENT,
            line.discount * CENT,
            line.tax * CENT,
            line.quantity,
            str(line.product.variant_id) if line.product else "",
            order.currency,
        )
        for order in shop.orders
        if order.deleted_at is None or order.deleted_at > NOW
        for agreement in order.agreements
        for line in agreement.lines
    )
    names = ("order_id", "action", "day", "order_day", "kind", "gross", "discount", "tax", "quantity")
    found = sorted(
        (*(row[name] for name in names), row["product_id"] or "", row["currency"])
        for row in mapped["sale_lines"]
    )
    assert found == expected
    assert {row[4] for row in expected} >= {"product", "shipping", "gift_card"}


def test_restocks_say_what_went_back_on_the_shelf(mapped: Rows, shop: Shop) -> None:
    back = sorted(
        (row["refund_id"], row["day"], row["quantity"])
        for row in mapped["restocks"]
        if row["restock_type"] in ("returned", "cancelled")
    )
    assert back == sorted(
        (str(agreement.refund_id), local_day(agreement.at), restock.quantity)
        for order in shop.orders
        if order.deleted_at is None or order.deleted_at > NOW
        for agreement in order.agreements
        for restock in agreement.restocks
        if restock.restocked
    )
    assert {row["restock_type"] for row in mapped["restocks"]} == {"returned", "cancelled", "not_restocked"}


def test_parcels_bear_the_day_they_were_shipped(mapped: Rows, shop: Shop) -> None:
    found = sorted((row["shipment_id"], row["day"], row["shipped_at"]) for row in mapped["shipments"])
    assert found == sorted(
        (str(parcel.fulfillment_id), local_day(parcel.shipped_at), plain(parcel.shipped_at))
        for order in shop.orders
        if order.deleted_at is None or order.deleted_at > NOW
        for parcel in order.fulfillments
        if parcel.shipped_at <= NOW
    )


def test_checkouts_are_orders_and_what_was_never_completed(mapped: Rows, shop: Shop) -> None:
    known = [o for o in shop.orders if not o.test and (o.deleted_at is None or o.deleted_at > NOW)]
    assert len(mapped["checkouts__orders"]) == len(known)
    assert all(row["is_completed"] for row in mapped["checkouts__orders"])
    left = [c for c in shop.checkouts if c.completed_at is None or c.completed_at > NOW]
    assert {row["checkout_id"] for row in mapped["checkouts__abandoned"]} == {
        f"checkout-{checkout.checkout_id}" for checkout in left
    }
    assert not any(row["is_completed"] for row in mapped["checkouts__abandoned"])
    assert 0 < len(left) < len(shop.checkouts)


def test_products_bear_their_cost_or_none(mapped: Rows, shop: Shop) -> None:
    costs = {row["product_id"]: row["unit_cost"] for row in mapped["products"]}
    assert costs == {
        str(p.variant_id): None if p.unit_cost is None else Decimal(p.unit_cost) / 10_000
        for p in shop.products
    }
    assert None in costs.values()


def test_stock_is_that_of_the_last_closing(mapped: Rows, shop: Shop) -> None:
    levels = {row["product_id"]: (row["on_hand"], row["is_active"]) for row in mapped["stock_levels"]}
    assert levels == {
        str(one.product.variant_id): (one.on_hand, one.active) for one in shop.stock if one.day == LAST_DAY
    }
    assert {is_active for _, is_active in levels.values()} == {True, False}


def test_orders_keep_the_number_people_see(mapped: Rows, shop: Shop) -> None:
    names = {str(order.order_id): order.name for order in shop.orders}
    assert mapped["orders"]
    assert all(row["order_number"] == names[row["order_id"]] for row in mapped["orders"])


def test_rare_kinds_and_states_have_their_word() -> None:
    order = {column.name: None for column in ORDERS.columns} | {
        "id": "1",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "is_test": False,
    }
    line = {column.name: None for column in ORDERS.children[0].columns} | {
        "id": "5",
        "line_type": "duty",
        "happened_at": datetime(2026, 1, 1, 23, 30, tzinfo=UTC),
        "total_amount": Decimal("-12.00"),
        "total_tax": Decimal("-2.00"),
        "discount_before_taxes": Decimal("-1.50"),
    }
    restock = {column.name: None for column in ORDERS.children[1].columns} | {
        "id": "7",
        "restock_type": "LEGACY_RESTOCK",
        "happened_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    parcel = {
        "status": "CANCELLED",
        "id": "9",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "delivered_at": None,
    }
    whole: Row = {**order, "sale_lines": [line], "restocks": [restock], "fulfillments": [parcel]}
    tables: dict[str, tuple[Table, list[Row]]] = {
        "orders": (ORDERS, [whole]),
        "abandoned_checkouts": (CHECKOUTS, []),
        "variants": (VARIANTS, []),
    }
    found = mapped_rows(tables | {child.name: children(child, [whole]) for child in ORDERS.children})
    [sold] = found["sale_lines"]
    assert (sold["kind"], sold["gross"], sold["quantity"]) == ("other", Decimal("-11.50"), 0)
    assert str(sold["day"]) == "2026-01-02"
    assert found["restocks"][0]["restock_type"] == "returned"
    assert found["shipments"] == []
    assert found["orders"][0]["is_voided"] is False
