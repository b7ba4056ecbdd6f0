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
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline.reports.answers import write_answer
from ecom_pipeline_tests.simulation import Simulation


def last_of(asked: Simulation, shop: str) -> date:
    """The last day a shop's figures are told of: where its platform keeps other days, the newest is not over."""
    return asked.shop.last_day - timedelta(days=shop == "shop_us")


def told(warehouse: duckdb.DuckDBPyConnection, last_day: date) -> Answer:
    answer = shop_figure.answer(warehouse, last_day)
    assert answer is not None
    return answer


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
    return {row[0]: row for row in told(warehouse, asked.shop.last_day).rows}


def test_it_begins_with_what_each_platform_shows(asked: Simulation, rows: dict[Any, tuple[Any, ...]]) -> None:
    zones = {one.key: ZoneInfo(one.time_zone) for one in asked.shop.business.storefronts}
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for shop, at, kind, total in lines_of(asked):
        last = last_of(asked, shop)
        if kind != "gift_card" and last - timedelta(days=27) <= at.astimezone(zones[shop]).date() <= last:
            wanted[shop] += total
    assert set(wanted) == set(rows) == {"shop", "atelier", "shop_us"}
    for shop, row in rows.items():
        assert abs(row[2] - wanted[shop]) <= Decimal("0.005") * 2 * len(asked.shop.orders), shop
    assert rows["atelier"][2] == wanted["atelier"], "without another currency to the cent"


def test_it_ends_with_our_net_sales(asked: Simulation, rows: dict[Any, tuple[Any, ...]]) -> None:
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for (day, dimension, segment), (amount, _) in asked.oracle().compute("net_sales").items():
        last = last_of(asked, segment) if dimension == "shop" else day
        if dimension == "shop" and last - timedelta(days=27) <= day <= last:
            wanted[segment] += amount
    assert {shop: row[-1] for shop, row in rows.items()} == wanted


def test_the_steps_add_up_and_each_is_where_it_belongs(rows: dict[Any, tuple[Any, ...]]) -> None:
    for shop, (_, unread, platform, *steps, ours) in rows.items():
        assert unread == 0
        assert platform + sum(steps) == ours, shop
    for shop in ("shop", "atelier"):
        named = dict(zip(shop_figure.STEPS, rows[shop][3:-1], strict=True))
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


def test_what_was_not_read_is_said_and_not_taken_for_a_difference(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, rows: dict[Any, tuple[Any, ...]]
) -> None:
    """A failed extract of one shop takes that shop's figures with it, and the others keep theirs."""
    last = asked.shop.last_day
    warehouse.execute("BEGIN")
    try:
        lost = "DELETE FROM ops.loaded_days WHERE source = ? AND table_name = 'orders' AND day = ?"
        warehouse.execute(lost, ["atelier", last - timedelta(days=28)])
        assert {row[0]: row for row in told(warehouse, last).rows} == rows, "before the four weeks"
        for back in (27, 3):
            warehouse.execute(lost, ["atelier", last - timedelta(days=back)])
        answer = told(warehouse, last)
        found = {row[0]: row for row in answer.rows}
        assert found["atelier"] == ("atelier", 2, *[None] * 6)
        assert {shop: found[shop] for shop in ("shop", "shop_us")} == {
            shop: rows[shop] for shop in ("shop", "shop_us")
        }
        assert answer.parts["shop"].value != "atelier" and answer.notes == ("unread", "zoned")
        for language in ("fr", "en"):
            assert "atelier" in write_answer(answer, language, "EUR").notes[0]
        warehouse.execute(lost, ["shop_us", last - timedelta(days=28)])
        assert {row[0]: row[1] for row in told(warehouse, last).rows}["shop_us"] == 1, (
            "its days begin earlier"
        )
        warehouse.execute("DELETE FROM ops.loaded_days")
        answer = told(warehouse, last)
        assert answer.sentence == "unread" and answer.notes == ("zoned",)
        assert all(row[1] in (28, 30) and not any(row[2:]) for row in answer.rows)
    finally:
        warehouse.execute("ROLLBACK")


def test_an_amount_without_a_rate_is_a_day_not_read(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    last = asked.shop.last_day
    warehouse.execute("BEGIN")
    try:
        warehouse.execute(
            "UPDATE model.sale_lines SET gross = NULL WHERE shop = 'atelier' AND line_id = "
            "(SELECT MIN(line_id) FROM model.sale_lines WHERE shop = 'atelier' AND day > ?)",
            [last - timedelta(days=28)],
        )
        assert {row[0]: row[1] for row in told(warehouse, last).rows}["atelier"] == 1
    finally:
        warehouse.execute("ROLLBACK")


def test_no_sales_are_no_answer(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert shop_figure.answer(warehouse, date(2020, 1, 1)) is None
