"""What promotions earned: known gains are found again, and what cannot be judged is not judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

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
                shipping_income DECIMAL(18, 2), cost DECIMAL(18, 4), kind VARCHAR DEFAULT 'product',
                is_known BOOLEAN DEFAULT TRUE);
            CREATE TABLE config.coverage AS SELECT CAST(0.9 AS DECIMAL(18, 4)) AS minimum_coverage;
            CREATE SCHEMA kpi; CREATE TABLE kpi.days (kpi VARCHAR, day DATE, state VARCHAR);
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
        "INSERT INTO model.sale_lines VALUES ('s', ?, ?, ?, ?, ?, 0, 0, 50, DEFAULT, DEFAULT)",
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
        "INSERT INTO model.sale_lines SELECT shop, order_id, order_day, ?, 0, 0, 75, 0, -50, kind, TRUE FROM model.sale_lines "
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


def test_days_of_another_sale_are_no_ordinary_days(shop: duckdb.DuckDBPyConnection) -> None:
    """Of the eight Mondays around it five were on sale: what is left are three, too few to judge by."""
    sell(shop, SALE, "FLASH", 30)
    for weeks in (-3, -1, 2, 4):
        sell(shop, SALE + timedelta(weeks=weeks), f"OTHER{weeks}", 1000)
    assert asked_of(shop)["FLASH", SALE][-1] == 30
    sell(shop, SALE + timedelta(weeks=3), "OTHER3", 1000)
    assert asked_of(shop)["FLASH", SALE][-1] is None


def test_a_missing_day_is_no_day_without_orders(shop: duckdb.DuckDBPyConnection) -> None:
    sell(shop, SALE, "FLASH", 30)
    for weeks in (-4, -3, -2, -1, 1):
        shop.execute("DELETE FROM model.sale_lines WHERE order_day = ?", [SALE + timedelta(weeks=weeks)])
    assert asked_of(shop)["FLASH", SALE][-1] == 130, "days on which nobody bought"
    for weeks in (-4, -3, -2, -1):
        shop.execute("INSERT INTO kpi.days VALUES ('orders', ?, 'missing')", [SALE + timedelta(weeks=weeks)])
    assert asked_of(shop)["FLASH", SALE][-1] == 30, "days nobody knows of"
    shop.execute("INSERT INTO kpi.days VALUES ('orders', ?, 'missing')", [SALE])
    assert asked_of(shop)["FLASH", SALE][-1] is None


def test_what_a_margin_is_not_known_of_is_not_pure_margin(shop: duckdb.DuckDBPyConnection) -> None:
    sell(shop, SALE, "FLASH", 50)
    shop.execute("UPDATE model.sale_lines SET is_known = FALSE, cost = 0 WHERE order_id = ("
        "SELECT order_id FROM model.orders WHERE discount_code = 'FLASH')")  # fmt: skip
    found = promotions.answer(shop, TODAY)
    assert found is not None and found.notes == ("margin_withheld",)
    assert asked_of(shop)["FLASH", SALE][5:] == (100, None, 0), "its days are known to nine tenths"
    shop.execute(
        "UPDATE model.sale_lines SET is_known = FALSE WHERE order_day = ?", [SALE + timedelta(weeks=1)]
    )
    assert asked_of(shop)["FLASH", SALE][-1] is None


def test_two_sales_of_the_same_days_are_told_to_share_their_gain(shop: duckdb.DuckDBPyConnection) -> None:
    sell(shop, SALE, "ONE", 10)
    sell(shop, SALE, "TWO", 20)
    found = promotions.answer(shop, TODAY)
    assert found is not None and found.notes == ("overlap",)
    assert {row[0]: row[-1] for row in found.rows} == {"ONE": 30, "TWO": 30}


def test_a_code_that_is_always_there_is_none_because_the_year_begins(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    """Sixty days of use of which the year sees the last twenty: no sale of twenty days."""
    end = TODAY + timedelta(days=300)
    for number in range(60):
        sell(shop, end - timedelta(days=364 + 40 - number), "LONG", 10)
    rows = asked_of(shop, end)
    assert [(row[3], row[-1]) for key, row in rows.items() if key[0] == "LONG"] == [(20, None)]


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


def test_the_simulated_amounts(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discounts, sales and margin of each code's orders, from their own lines."""
    monkeypatch.setattr(promotions, "MOST_ROWS", 1000)
    last, books = asked.shop.last_day, asked.oracle()._books
    money: dict[int | None, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 5)
    for line in books.lines:
        mine, amount = money[line.known.order.order_id], Fraction(line.gross - line.discount)
        if line.sold:
            mine[0] += Fraction(line.discount)
            mine[3] += Fraction(line.gross) if line.cost_known else 0
            mine[4] += Fraction(line.gross)
        if line.sold or line.given_back:
            mine[1] += amount
        if line.kind == "shipping" or ((line.sold or line.given_back) and line.cost_known):
            mine[2] += amount
    for fact in books.cost_of_goods:
        money[fact.order_id][2] -= Fraction(fact.amount)
    codes: dict[int | None, tuple[str, date]] = {
        known.order.order_id: ((known.order.discount_code or "").strip().upper(), known.day)
        for known in books.valid_orders
    }
    found = promotions.answer(warehouse, last)
    assert found is not None and found.rows
    for row in found.rows:
        code, first, end, _, discounts, sales, margin, _ = cast("tuple[Any, ...]", row)
        orders_of = [
            money[number] for number, (used, day) in codes.items() if used == code and first <= day <= end
        ]
        truth = [sum((one[place] for one in orders_of), Fraction(0)) for place in range(5)]
        assert (Fraction(discounts), Fraction(sales)) == (truth[0], truth[1]), code
        if truth[3] < Fraction(9, 10) * truth[4]:
            assert margin is None, code
        else:
            assert abs(Fraction(margin) - truth[2]) < Fraction(1, 100), code
    assert any(row[6] is not None for row in found.rows)
