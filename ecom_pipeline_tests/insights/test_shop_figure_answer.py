"""From a platform's figure to ours: both ends from the shop's own events, and steps that add up."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from ecom_pipeline.insights.questions import shop_figure
from ecom_pipeline_tests.simulation import Simulation


def lines_of(asked: Simulation) -> list[tuple[str, Any, str, Decimal]]:
    """Every line of a counted order: shop, instant, kind, amount with tax in the reporting currency."""
    found: list[tuple[str, Any, str, Decimal]] = []
    books = asked.oracle()._books
    for known in books.valid_orders:
        order = known.order
        for agreement in known.agreements:
            day = books.knowledge.local_day(agreement.at)
            for line in agreement.lines:
                total = books.exchange.convert(line.gross - line.discount + line.tax, order.currency, day)
                found.append((order.storefront, agreement.at, line.kind, total))
    return found


@pytest.fixture
def rows(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> dict[Any, tuple[Any, ...]]:
    found = shop_figure.answer(warehouse, asked.shop.last_day)
    assert found is not None
    return {row[0]: row for row in found.rows}


def test_it_begins_with_what_each_platform_shows(asked: Simulation, rows: dict[Any, tuple[Any, ...]]) -> None:
    last = asked.shop.last_day
    zones = {one.key: ZoneInfo(one.time_zone) for one in asked.shop.business.storefronts}
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for shop, at, kind, total in lines_of(asked):
        if kind != "gift_card" and last - timedelta(days=27) <= at.astimezone(zones[shop]).date() <= last:
            wanted[shop] += total
    assert set(wanted) == set(rows) == {"shop", "atelier", "shop_us"}
    for shop, row in rows.items():
        assert abs(row[1] - wanted[shop]) <= Decimal("0.005") * 2 * len(asked.shop.orders), shop
    assert rows["atelier"][1] == wanted["atelier"], "without another currency to the cent"


def test_it_ends_with_our_net_sales(asked: Simulation, rows: dict[Any, tuple[Any, ...]]) -> None:
    last = asked.shop.last_day
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for (day, dimension, segment), (amount, _) in asked.oracle().compute("net_sales").items():
        if dimension == "shop" and last - timedelta(days=27) <= day <= last:
            wanted[segment] += amount
    assert {shop: row[-1] for shop, row in rows.items()} == wanted


def test_the_steps_add_up_and_each_is_where_it_belongs(rows: dict[Any, tuple[Any, ...]]) -> None:
    for shop, (_, platform, *steps, ours) in rows.items():
        assert platform + sum(steps) == ours, shop
    for shop in ("shop", "atelier"):
        named = dict(zip(shop_figure.STEPS, rows[shop][2:-1], strict=True))
        assert named["days"] == 0, "it keeps our days"
        assert named["tax"] < 0
        assert named["shipping"] < 0


def test_a_platform_of_another_time_zone_keeps_its_own_days(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    ours = ZoneInfo(asked.shop.time_zone)
    zones = {one.key: ZoneInfo(one.time_zone) for one in asked.shop.business.storefronts}
    wanted = {
        (shop, at.astimezone(ours).date(), at.astimezone(zones[shop]).date())
        for shop, at, kind, _ in lines_of(asked)
        if kind != "gift_card"
    }
    last = asked.shop.last_day
    found = warehouse.execute("SELECT DISTINCT shop, day, platform_day FROM model.platform_sales").fetchall()
    assert {row for row in wanted if row[1] <= last} == set(found)
    assert any(day != platform_day for shop, day, platform_day in found if shop == "shop_us")


def test_no_sales_are_no_answer(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert shop_figure.answer(warehouse, date(2020, 1, 1)) is None
