"""What promotions earned: known gains are found again, and what cannot be judged is not judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import promotions
from ecom_pipeline_tests.simulation import Simulation

TODAY = date(2026, 6, 30)
SALE = date(2026, 3, 2)  # a Monday


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A year in which every Monday leaves 100, every Tuesday 110 and so on."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA model; CREATE SCHEMA config;
            CREATE TABLE config.shop AS SELECT DATE '2025-07-01' AS history_start;
            CREATE TABLE model.orders (shop VARCHAR, order_id VARCHAR, day DATE, discount_code VARCHAR);
            CREATE TABLE model.sale_lines (shop VARCHAR, order_id VARCHAR, order_day DATE, day DATE,
                gross DECIMAL(18, 2), discounts DECIMAL(18, 2), returns DECIMAL(18, 2),
                shipping_income DECIMAL(18, 2), cost DECIMAL(18, 4));
            """
        )
        day = date(2025, 7, 1)
        while day <= TODAY:
            sell(connection, day, None, 100 + 10 * day.weekday())
            day += timedelta(days=1)
        yield connection


def sell(
    connection: duckdb.DuckDBPyConnection, day: date, code: str | None, margin: int, discount: int = 0
) -> None:
    """An order of the day that leaves the margin: its goods cost 50."""
    (number,) = connection.execute("SELECT COUNT(*) FROM model.orders").fetchall()[0]
    connection.execute("INSERT INTO model.orders VALUES ('s', ?, ?, ?)", [str(number), day, code])
    connection.execute(
        "INSERT INTO model.sale_lines VALUES ('s', ?, ?, ?, ?, ?, 0, 0, 50)",
        [str(number), day, day, margin + 50 + discount, discount],
    )


def asked_of(connection: duckdb.DuckDBPyConnection, day: date = TODAY) -> dict[Any, Any]:
    found = promotions.answer(connection, day)
    assert found is not None
    return {(row[0], row[1]): row for row in found.rows}


def test_a_sale_earned_what_its_days_left_beyond_the_days_around(shop: duckdb.DuckDBPyConnection) -> None:
    for number in range(10):
        sell(shop, SALE + timedelta(days=number), " spring ", 30, discount=5)
    row = asked_of(shop)["SPRING", SALE]
    assert row == ("SPRING", SALE, SALE + timedelta(days=9), 10, 50, 800, 300, 300)
    found = promotions.answer(shop, TODAY)
    assert found is not None and found.sentence == "earned" and found.parts["lift"].value == 300


def test_a_sale_that_only_shifted_orders_cost_money(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("UPDATE model.sale_lines SET gross = gross - 40 WHERE order_day = ?", [SALE])
    sell(shop, SALE, "FLASH", 25, discount=5)
    assert asked_of(shop)["FLASH", SALE][-1] == -15
    found = promotions.answer(shop, TODAY)
    assert found is not None and found.sentence == "cost" and found.parts["lift"].value == 15


def test_returns_of_a_sale_are_its_own(shop: duckdb.DuckDBPyConnection) -> None:
    sell(shop, SALE, "FLASH", 25)
    shop.execute(
        "INSERT INTO model.sale_lines SELECT shop, order_id, order_day, ?, 0, 0, 75, 0, -50 FROM model.sale_lines "
        "WHERE order_day = ? ORDER BY CAST(order_id AS INTEGER) DESC LIMIT 1",
        [SALE + timedelta(days=9), SALE],
    )
    assert asked_of(shop)["FLASH", SALE][5:] == (0, 0, 0)
    assert asked_of(shop, SALE + timedelta(days=8))["FLASH", SALE][5:7] == (75, 25), "not given back yet"


def test_what_is_always_there_has_no_days_around_it(shop: duckdb.DuckDBPyConnection) -> None:
    for number in range(0, 90):
        sell(shop, SALE + timedelta(days=number), "WELCOME", 10, discount=1)
    for number in range(0, 40, 4):
        sell(shop, SALE + timedelta(days=number), "RARE", 10, discount=1)
    rows = asked_of(shop)
    assert rows["WELCOME", SALE][-1] is None and rows["RARE", SALE][-1] is None
    found = promotions.answer(shop, TODAY)
    assert found is not None and found.sentence == "always" and found.parts["given"].value == 100


def test_a_code_unused_for_four_weeks_begins_anew(shop: duckdb.DuckDBPyConnection) -> None:
    sell(shop, SALE, "SALE", 10)
    sell(shop, SALE + timedelta(days=29), "SALE", 20)
    assert {key: row[-1] for key, row in asked_of(shop).items()} == {
        ("SALE", SALE): 10,
        ("SALE", SALE + timedelta(days=29)): 20,
    }
    sell(shop, SALE + timedelta(days=28), "SALE", 20)
    assert len(asked_of(shop)) == 1


def test_a_sale_is_judged_four_weeks_after_its_end_and_where_days_stand_around_it(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    sell(shop, TODAY - timedelta(days=27), "YOUNG", 10)
    sell(shop, TODAY - timedelta(days=28), "OLD", 10)
    assert {key[0]: row[-1] for key, row in asked_of(shop).items()} == {"YOUNG": None, "OLD": 10}
    shop.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=27)])
    assert asked_of(shop)["OLD", TODAY - timedelta(days=28)][-1] == 10, "four weeks after it are enough"
    shop.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=20)])
    assert asked_of(shop)["OLD", TODAY - timedelta(days=28)][-1] is None


def test_without_codes_there_is_nothing_to_tell(shop: duckdb.DuckDBPyConnection) -> None:
    assert promotions.answer(shop, TODAY) is None


def test_the_simulated_codes(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order with a code is in one line, over all shops."""
    monkeypatch.setattr(promotions, "MOST_ROWS", 1000)
    last = asked.shop.last_day
    wanted: Counter[str] = Counter()
    for known in asked.oracle()._books.valid_orders:
        if known.order.discount_code and last - timedelta(days=364) <= known.day <= last:
            wanted[known.order.discount_code.strip().upper()] += 1
    found = promotions.answer(warehouse, last)
    assert found is not None
    told: Counter[str] = Counter()
    for row in found.rows:
        assert isinstance(row[3], Decimal)
        told[str(row[0])] += int(row[3])
    assert told == wanted
    assert any(row[-1] is not None for row in found.rows), "the simulated shop has limited sales"
