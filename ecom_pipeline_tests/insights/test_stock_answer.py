"""What runs out and what sleeps: against the simulated shelves, and by hand at the borders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import stock
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline_tests.simulation import Simulation

TODAY = date(2026, 6, 30)


@pytest.fixture
def shelf() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables the question reads, empty: 14 days to restock, a history of a year."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA model; CREATE SCHEMA config;
            CREATE TABLE config.shop AS SELECT DATE '2025-07-01' AS history_start;
            CREATE TABLE config.stock AS SELECT 14 AS restocking_days;
            CREATE TABLE model.stock_days (day DATE, shop VARCHAR, product_id VARCHAR, product VARCHAR,
                is_active BOOLEAN, in_hand INTEGER, worth DECIMAL(18, 4));
            CREATE TABLE model.product_sales (day DATE, shop VARCHAR, product_id VARCHAR, units INTEGER);
            CREATE TABLE model.sale_lines (day DATE, shop VARCHAR, product_id VARCHAR, gross DECIMAL(18, 2),
                discounts DECIMAL(18, 2));
            CREATE TABLE model.product_costs (day DATE, valid_until DATE, shop VARCHAR, product_id VARCHAR,
                unit_cost DECIMAL(18, 4));
            """
        )
        yield connection


def put(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    in_hand: int,
    *,
    sold: tuple[tuple[int, int], ...] = (),
    price: int = 10,
    cost: int | None = 4,
    active: bool = True,
) -> None:
    """An article with what was sold of it, as (days ago, units)."""
    worth = in_hand * (cost or 0)
    connection.execute(
        "INSERT INTO model.stock_days VALUES (?, 'shop', ?, ?, ?, ?, ?)",
        [TODAY, name, name, active, in_hand, worth],
    )
    if cost is not None:
        connection.execute(
            "INSERT INTO model.product_costs VALUES ('1900-01-01', '9999-12-31', 'shop', ?, ?)", [name, cost]
        )
    for ago, units in sold:
        day = TODAY - timedelta(days=ago)
        connection.execute("INSERT INTO model.product_sales VALUES (?, 'shop', ?, ?)", [day, name, units])
        connection.execute(
            "INSERT INTO model.sale_lines VALUES (?, 'shop', ?, ?, 0)", [day, name, units * price]
        )


def asked_of(connection: duckdb.DuckDBPyConnection) -> Answer:
    found = stock.answer(connection, TODAY)
    assert found is not None
    return found


def by_name(found: Answer) -> dict[Any, tuple[Any, ...]]:
    return {row[1]: row for row in found.rows}


def test_what_lasts_less_than_restocking_takes_runs_out(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "low", 13, sold=((3, 28),))  # one a day: lasts 13 of 14 days
    put(shelf, "enough", 14, sold=((3, 28),))
    put(shelf, "gone", 0, sold=((27, 28),))
    put(shelf, "long ago", 0, sold=((28, 28),))  # outside the 28 days
    put(shelf, "withdrawn", 0, sold=((3, 28),), active=False)
    found = asked_of(shelf)
    assert list(by_name(found)) == ["gone", "low"]
    assert by_name(found)["low"] == ("out", "low", "shop", Decimal(13), Decimal(28), Decimal(13), Decimal(10))
    assert by_name(found)["gone"][5:] == (0, 140)
    assert (found.parts["out"].value, found.parts["lost"].value) == (Decimal(2), Decimal(150))


def test_what_did_not_sell_for_ninety_days_sleeps(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "asleep", 5, sold=((90, 1),))
    put(shelf, "awake", 5, sold=((89, 1),))
    put(shelf, "never sold", 8, cost=None)
    put(shelf, "empty", 0, sold=((200, 1),))
    found = asked_of(shelf)
    assert {name: row[6] for name, row in by_name(found).items()} == {"asleep": 20, "never sold": None}
    assert (found.parts["asleep"].value, found.parts["cash"].value) == (Decimal(2), Decimal(20))
    assert found.parts["worth"].value == 40
    assert found.notes == ("cost_unknown",)


def test_a_young_history_tells_neither(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "low", 1, sold=((3, 28),))
    put(shelf, "quiet", 5)
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=26)])
    assert asked_of(shelf).sentence == "calm"
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=27)])
    assert list(by_name(asked_of(shelf))) == ["low"]
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=90)])
    assert list(by_name(asked_of(shelf))) == ["low", "quiet"]


def test_the_simulated_shelves(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every article in danger or asleep, counted from the shop's own events."""
    monkeypatch.setattr(stock, "MOST_OUT", 10_000)
    monkeypatch.setattr(stock, "MOST_ASLEEP", 10_000)
    last, books = asked.shop.last_day, asked.oracle()._books
    units: dict[tuple[str, date], Decimal] = {}
    for fact in books.units:
        key = (fact.segments["variant"], fact.day)
        units[key] = units.get(key, Decimal(0)) + fact.amount
    wanted: list[Any] = []
    for one in asked.shop.stock:
        if one.day != last:
            continue
        mine = {day: sold for (variant, day), sold in units.items() if variant == str(one.product.variant_id)}
        month = sum(sold for day, sold in mine.items() if last - timedelta(days=28) < day <= last)
        recent = [day for day, sold in mine.items() if sold > 0 and last - timedelta(days=90) < day <= last]
        in_hand = max(one.on_hand, 0)
        if in_hand and not recent:
            wanted.append(("asleep", one.product.title, in_hand))
        elif one.active and month > 0 and in_hand * 28 < 14 * month:
            wanted.append(("out", one.product.title, in_hand))
    told = stock.answer(warehouse, last)
    assert wanted and told is not None
    rows: list[Any] = [(row[0], row[1], row[3]) for row in told.rows]
    assert sorted(rows) == sorted(wanted)
