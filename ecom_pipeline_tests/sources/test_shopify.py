"""Shopify: every order, line, restock and parcel of the shop comes, in pages and in bulk alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ecom_pipeline.sandbox.events import Order, SaleLine, Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY
from ecom_pipeline.sources.contract import Row, Table, local_midnight
from ecom_pipeline.sources.pseudonym import pseudonym
from ecom_pipeline.sources.registry import vendors
from ecom_pipeline.sources.shopify import ShopifySource, queries
from ecom_pipeline.sources.shopify.rows import sale_row, variant_row

from .shopify_bench import (
    CHECKOUTS,
    FIRST_DAY,
    KEY,
    LAST_DAY,
    NOW,
    ORDERS,
    TABLES,
    VARIANTS,
    ZONE,
    Bench,
    bench_of,
    by_id,
    days,
    shop_of_two_months,
)

MID = date(2026, 2, 10)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of_two_months()


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    with bench_of(shop) as bench:
        yield bench


def test_the_registry_finds_it() -> None:
    assert vendors()["shopify"] is ShopifySource


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_rows_hold_exactly_the_declared_columns(bench: Bench, table: Table) -> None:
    rows = bench.fetch(table, FIRST_DAY, LAST_DAY)
    assert rows
    for row in rows:
        assert set(row) == {c.name for c in table.columns} | {c.name for c in table.children}
        for child in table.children:
            for part in row[child.name]:
                assert set(part) == {c.name for c in child.columns}
                assert all(part[c.name] is not None for c in child.columns if c.required)
            keys = [tuple(part[name] for name in child.key) for part in row[child.name]]
            assert len(keys) == len(set(keys))
        assert all(row[c.name] is not None for c in table.columns if c.required)


def test_in_bulk_every_order_comes_with_its_money_to_the_cent(bench: Bench) -> None:
    rows = by_id(bench.fetch(ORDERS, FIRST_DAY, LAST_DAY))
    assert bench.asked("bulkOperationRunQuery") == 1
    assert_holds_all(rows, bench.known())


def test_in_pages_every_order_comes_with_its_money_to_the_cent(bench: Bench) -> None:
    rows: dict[str, Row] = {}
    for first_day, last_day in days(FIRST_DAY, LAST_DAY, 2):
        rows |= by_id(bench.fetch(ORDERS, first_day, last_day))
    assert_holds_all(rows, bench.known())


@pytest.mark.parametrize("table", [ORDERS, CHECKOUTS], ids=lambda table: table.name)
@pytest.mark.parametrize("last_day", [MID, LAST_DAY])
def test_pages_and_bulk_agree_row_for_row(
    bench: Bench, table: Table, last_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = (last_day - timedelta(days=1), last_day)
    paged = by_id(bench.fetch(table, *window))
    assert bench.asked("query Page(") > 0
    monkeypatch.setattr("ecom_pipeline.sources.shopify.source.PAGED_DAYS", 0)
    bench.world.log.clear()
    assert by_id(bench.fetch(table, *window)) == paged
    assert bench.asked("query Page(") == 0
    assert paged


def test_a_window_in_the_past_holds_what_was_created_or_changed_in_it(bench: Bench) -> None:
    start, end = local_midnight(MID, ZONE), local_midnight(MID + timedelta(days=1), ZONE)
    every = by_id(bench.fetch(ORDERS, FIRST_DAY, LAST_DAY)).values()
    expected = {
        row["id"] for row in every if start <= row["created_at"] < end or start <= row["updated_at"] < end
    }
    assert set(by_id(bench.fetch(ORDERS, MID, MID))) == expected
    assert 0 < len(expected) < len(every)


def test_the_newest_window_is_open_at_its_end(bench: Bench) -> None:
    start = local_midnight(LAST_DAY, ZONE)
    every = by_id(bench.fetch(ORDERS, FIRST_DAY, LAST_DAY)).values()
    expected = {row["id"] for row in every if row["updated_at"] >= start}
    assert set(by_id(bench.fetch(ORDERS, LAST_DAY, LAST_DAY))) == expected
    assert expected


@pytest.mark.parametrize(("lines", "edits"), [(30, 0), (0, 8), (30, 8)])
def test_an_order_longer_than_a_page_is_whole(shop: Shop, lines: int, edits: int) -> None:
    order = next(o for o in shop.orders if o.created_at.date() == MID and len(o.agreements) == 1)
    long = lengthened(order, lines, edits)
    changed = replace(shop, orders=[long if o is order else o for o in shop.orders])
    with bench_of(changed) as bench:
        rows = by_id(bench.fetch(ORDERS, MID, MID))
        assert bench.asked("bulkOperationRunQuery") == 1
        assert f"id:{long.order_id}" in next(e.body for e in bench.world.log if "StartBulk" in e.body)
        assert len(rows[str(long.order_id)]["sale_lines"]) == sum(len(a.lines) for a in long.agreements)
        assert_order(rows[str(long.order_id)], long, bench.world.now())
        monthly = by_id(bench.fetch(ORDERS, FIRST_DAY, MID))
        assert monthly[str(long.order_id)] == rows[str(long.order_id)]


def test_many_records_in_a_short_window_go_on_in_bulk_each_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = by_id(bench.fetch(ORDERS, MID, MID + timedelta(days=1)))
    assert bench.asked("StartBulk") <= 1
    monkeypatch.setattr(queries, "ORDERS", replace(queries.ORDERS, paged_at_most=5))
    bench.world.log.clear()
    assert by_id(bench.fetch(ORDERS, MID, MID + timedelta(days=1))) == whole
    assert bench.asked("StartBulk") == 1
    assert len(whole) > 5


def test_keys_are_those_of_the_orders_created_in_the_window(bench: Bench) -> None:
    for first_day, last_day in ((FIRST_DAY, LAST_DAY), (MID, MID)):
        start, end = local_midnight(first_day, ZONE), local_midnight(last_day + timedelta(days=1), ZONE)
        expected = sorted(str(o.order_id) for o in bench.known() if start <= o.created_at < end)
        assert sorted(bench.keys(first_day, last_day)) == expected
        assert expected


def test_a_deleted_order_is_no_longer_among_the_keys(shop: Shop) -> None:
    order = shop.orders[5]
    gone = replace(order, deleted_at=order.created_at + timedelta(days=3))
    with bench_of(replace(shop, orders=[gone])) as bench:
        assert bench.keys(FIRST_DAY, LAST_DAY) == []
        bench.world.set_now(order.created_at + timedelta(days=2))
        assert bench.keys(FIRST_DAY, LAST_DAY) == [str(order.order_id)]


def test_an_empty_window_is_empty_both_ways(shop: Shop) -> None:
    with bench_of(replace(shop, orders=[], checkouts=[])) as bench:
        for table in (ORDERS, CHECKOUTS):
            assert bench.fetch(table, FIRST_DAY, LAST_DAY) == []
            assert bench.fetch(table, MID, MID) == []


def test_variants_come_with_their_cost(bench: Bench) -> None:
    rows = by_id(bench.fetch(VARIANTS, LAST_DAY, LAST_DAY))
    products = [p for p in bench.world.shop.products if p.created_at <= NOW]
    assert {(r["id"], r["title"], r["unit_cost"] and Decimal(r["unit_cost"])) for r in rows.values()} == {
        (str(p.variant_id), p.title, Decimal(p.unit_cost) / 10_000 if p.unit_cost else None) for p in products
    }


@pytest.mark.parametrize(("tracked", "on_hand"), [(True, 3), (False, None)])
def test_the_quantity_of_an_article_nobody_counts_is_unknown(tracked: bool, on_hand: int | None) -> None:
    node = {
        "legacyResourceId": "1",
        "product": {"title": "Bon", "status": "ARCHIVED"},
        "inventoryItem": {"tracked": tracked, "unitCost": None},
        "inventoryQuantity": 3,
    }
    row = variant_row(node)
    assert (row["on_hand"], row["is_active"]) == (on_hand, False)


def test_checkouts_come_with_their_completion(bench: Bench) -> None:
    rows = by_id(bench.fetch(CHECKOUTS, FIRST_DAY, LAST_DAY))
    known = [c for c in bench.world.shop.checkouts if c.created_at <= NOW]
    assert len(rows) == len(known)
    for checkout in known:
        row = rows[str(checkout.checkout_id)]
        done = checkout.completed_at if checkout.completed_at and checkout.completed_at <= NOW else None
        assert (row["completed_at"] is None) == (done is None)
        assert (row["device"], row["country"]) == (checkout.device, checkout.country)


def test_an_article_deleted_from_the_catalogue_keeps_its_title(bench: Bench) -> None:
    row = bench.source._order_row(minimal_order(), [])
    assert row["sale_lines"] == [] and row["customer"] is None and row["country"] == "BE"
    money = {"presentmentMoney": {"amount": "1.0", "currencyCode": "EUR"}}
    sale = {
        "id": "gid://shopify/Sale/5",
        "lineType": "PRODUCT",
        "quantity": 1,
        "totalAmount": money,
        "totalTaxAmount": money,
        "totalDiscountAmountBeforeTaxes": money,
        "lineItem": {"id": "gid://shopify/LineItem/3", "title": "Gone", "variant": None},
    }
    agreement = {"id": "gid://shopify/SalesAgreement/1", "__typename": "ReturnAgreement", "happenedAt": None}
    found = sale_row(sale, agreement)
    assert (found["variant_id"], found["title"], found["action"]) == (None, "Gone", "refund")


def test_nothing_personal_or_secret_is_in_any_row(bench: Bench) -> None:
    told = repr([bench.fetch(table, FIRST_DAY, LAST_DAY) for table in TABLES.values()])
    emails = {order.email.strip().lower() for order in bench.known() if order.email}
    assert "@" not in told
    assert PERSONAL_CANARY not in told and SECRET_CANARY not in told
    assert len(emails) > 100


def minimal_order() -> dict[str, Any]:
    """An order of a guest who left no trace: everything that may be null is."""
    nulls = ("cancelledAt", "email", "customer", "shippingAddress", "customerJourneySummary", "discountCode")
    return {
        "legacyResourceId": "1",
        "name": "#1",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "test": False,
        "displayFinancialStatus": "PAID",
        "presentmentCurrencyCode": "EUR",
        "billingAddress": {"countryCodeV2": "BE"},
        "customAttributes": [],
        "fulfillments": [],
        **dict.fromkeys(nulls),
    }


def lengthened(order: Order, lines: int, edits: int) -> Order:
    """The order with more lines in its first agreement and more agreements after it."""
    first = order.agreements[0]
    line = next(line for line in first.lines if line.kind == "product")
    many = replace(first, lines=(*first.lines, *(line for _ in range(lines))))
    later = tuple(
        replace(
            first,
            agreement_id=first.agreement_id + 900_000 + n,
            kind="edit",
            at=first.at + timedelta(minutes=n),
            lines=(line,),
        )
        for n in range(1, edits + 1)
    )
    return replace(order, agreements=(many, *later, *order.agreements[1:]))


def assert_holds_all(rows: dict[str, Row], orders: list[Order]) -> None:
    assert set(rows) == {str(order.order_id) for order in orders}
    kinds = {agreement.kind for order in orders for agreement in order.agreements}
    assert kinds == {"order", "edit", "refund", "cancel"}, "the shop has a case of everything"
    assert len({order.currency for order in orders}) > 1
    for order in orders:
        assert_order(rows[str(order.order_id)], order, NOW)


def assert_order(row: Row, order: Order, now: datetime) -> None:
    agreements = [a for a in order.agreements if a.at <= now]
    assert (row["name"], row["currency"], row["is_test"]) == (order.name, order.currency, order.test)
    assert row["created_at"] == order.created_at.replace(microsecond=0)
    assert (row["country"], row["device"], row["discount_code"]) == (
        order.country,
        order.device,
        order.discount_code,
    )
    email = order.email or (order.customer.email if order.customer else None)
    assert row["customer"] == pseudonym(email, KEY)
    assert (row["utm_source"], row["utm_medium"], row["utm_campaign"]) == (
        order.visit.source,
        order.visit.medium,
        order.visit.campaign,
    )
    assert "/" not in (row["referrer_host"] or "")
    assert bool(row["referrer_host"]) == bool(order.visit.referrer_url)
    voided = order.voided_at is not None and order.voided_at <= now
    assert (row["financial_status"] == "VOIDED") == voided
    actions = {"order": "sale", "edit": "edit", "refund": "refund", "cancel": "refund"}
    expected = sorted(
        (actions[a.kind], a.at.astimezone(UTC).replace(microsecond=0), *facts(line))
        for a in agreements
        for line in a.lines
    )
    assert sorted(map(told, row["sale_lines"])) == expected
    restocked = sorted(
        (str(a.refund_id), str(r.line_item_id), r.quantity)
        for a in agreements
        for r in a.restocks
        if r.restocked
    )
    assert restocked == sorted(
        (r["refund_id"], r["line_item_id"], r["quantity"])
        for r in row["restocks"]
        if r["restock_type"] != "NO_RESTOCK"
    )
    assert len(row["fulfillments"]) == sum(f.shipped_at <= now for f in order.fulfillments)


def facts(line: SaleLine) -> tuple[Any, ...]:
    """A line of the shop's own books, as comparable values."""
    variant = str(line.product.variant_id) if line.product else ""
    return (line.kind, variant, line.quantity, line.paid, line.tax, line.discount)


def told(row: Row) -> tuple[Any, ...]:
    """A fetched line in the same shape; amounts in cents (no currency of the shop has others)."""
    cents = [Decimal(row[name]) * 100 for name in ("total_amount", "total_tax", "discount_before_taxes")]
    variant, quantity = row["variant_id"] or "", row["quantity"] or 0
    return (row["action"], row["happened_at"], row["line_type"], variant, quantity, *map(int, cents))
