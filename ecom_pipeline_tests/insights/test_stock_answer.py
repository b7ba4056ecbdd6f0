"""What runs out and what sleeps: against the simulated shelves, and by hand at the borders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import stock
from ecom_pipeline.insights.questions.question import Answer
from ecom_pipeline.sandbox.events import StockDay
from ecom_pipeline.sources.contract import Change
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, simulate

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
    shop: str = "shop",
    read: range = range(90),
    gone: range = range(0),
) -> None:
    """An article with what was sold of it, as (days ago, units), seen on the days `read` ago, empty while `gone`."""
    for ago in read:
        left = 0 if ago in gone else in_hand
        connection.execute(
            "INSERT INTO model.stock_days VALUES (?, ?, ?, ?, ?, ?, ?)",
            [TODAY - timedelta(days=ago), shop, name, name, active, left, left * (cost or 0)],
        )
    if cost is not None:
        connection.execute(
            "INSERT INTO model.product_costs VALUES ('1900-01-01', '9999-12-31', ?, ?, ?)", [shop, name, cost]
        )
    for ago, units in sold:
        day = TODAY - timedelta(days=ago)
        connection.execute("INSERT INTO model.product_sales VALUES (?, ?, ?, ?)", [day, shop, name, units])
        connection.execute(
            "INSERT INTO model.sale_lines VALUES (?, ?, ?, ?, 0)", [day, shop, name, units * price]
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
    put(shelf, "long ago", 5, sold=((28, 28),))  # outside the 28 days
    put(shelf, "withdrawn", 1, sold=((3, 28),), active=False)
    found = asked_of(shelf)
    assert list(by_name(found)) == ["low"]
    assert by_name(found)["low"] == ("out", "low", "shop", Decimal(13), Decimal(28), Decimal(13), Decimal(10))
    assert (found.parts["out"].value, found.parts["lost"].value) == (Decimal(1), Decimal(10))
    assert found.notes == ()


def test_the_pace_is_that_of_the_days_in_stock(shelf: duckdb.DuckDBPyConnection) -> None:
    """28 units in the 14 days it was there are two a day: 20 last ten days, and four days of 20 in sales are lost."""
    put(shelf, "often out", 20, sold=((3, 28),), gone=range(10, 24))
    put(shelf, "gone", 20, sold=((27, 28),), gone=range(27))  # all of it on the one day it was there
    put(shelf, "new", 20, sold=((3, 28),), read=range(14))
    put(shelf, "read daily", 1)
    found = by_name(asked_of(shelf))
    assert found["new"][5:] == found["often out"][5:]
    assert found["often out"][5:] == (Decimal(10), Decimal(80))
    assert found["gone"][3:] == (0, 28, 0, 14 * 280)


def test_a_day_nobody_looked_counts_as_one_in_stock_and_is_told(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "new to us", 13, sold=((3, 28),), read=range(1))
    found = asked_of(shelf)
    assert by_name(found)["new to us"][5] == 13
    assert found.notes == ("pace", "sleep")
    shelf.execute("DELETE FROM model.stock_days")
    put(shelf, "read often enough", 13, sold=((3, 28),), read=range(26))
    assert asked_of(shelf).notes == ("sleep",)


def test_each_shop_is_told_as_of_the_day_it_was_read_itself(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "here", 1, sold=((3, 28),))
    put(shelf, "there", 1, sold=((9, 28),), shop="earlier", read=range(6, 96))
    put(shelf, "nobody looked", 1, sold=((9, 28),), shop="silent", read=range(7, 97))
    found = asked_of(shelf)
    assert {name: row[2] for name, row in by_name(found).items()} == {"here": "shop", "there": "earlier"}
    assert found.notes == ("unread",) and found.parts["unread"].value == "silent"
    shelf.execute("DELETE FROM model.stock_days WHERE shop <> 'silent'")
    alone = asked_of(shelf)
    assert (alone.sentence, alone.rows, alone.notes) == ("unread", (), ())


def test_what_lay_in_stock_for_ninety_days_and_did_not_sell_sleeps(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "asleep", 5, sold=((90, 1),))
    put(shelf, "awake", 5, sold=((89, 1),))
    put(shelf, "never sold", 8)
    put(shelf, "came yesterday", 8, read=range(2))
    put(shelf, "came back", 8, gone=range(40, 41))
    put(shelf, "empty", 0, sold=((200, 1),))
    found = asked_of(shelf)
    assert {name: row[6] for name, row in by_name(found).items()} == {"never sold": 32, "asleep": 20}
    assert (found.parts["asleep"].value, found.parts["cash"].value) == (Decimal(2), Decimal(52))
    assert found.parts["worth"].value == 4 * (5 + 5 + 8 + 8 + 8)
    assert (found.sentence, found.notes) == ("told", ())


@pytest.mark.parametrize(("days", "is_told"), [(81, True), (80, False)])
def test_sleep_is_told_of_shelves_that_were_looked_at(
    shelf: duckdb.DuckDBPyConnection, days: int, is_told: bool
) -> None:
    put(shelf, "asleep", 5, read=range(days))
    assert (asked_of(shelf).sentence == "told") == is_told
    assert ("sleep" in asked_of(shelf).notes) != is_told


def cash_of(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    found = asked_of(connection)
    return {"sentence": found.sentence} | {
        name: found.parts[name].value for name in ("cash", "worth", "uncosted")
    }


def test_what_is_not_known_to_cost_anything_is_not_worth_nothing(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "one", 8, cost=None)
    put(shelf, "sold out", 0, cost=None)
    assert cash_of(shelf) == {"sentence": "told_uncosted", "cash": None, "worth": None, "uncosted": 1}
    put(shelf, "awake", 5, sold=((5, 1),))
    assert cash_of(shelf) == {"sentence": "told_cash_unknown", "cash": None, "worth": 20, "uncosted": 1}
    put(shelf, "two", 5)
    assert cash_of(shelf) == {"sentence": "told_partly", "cash": 20, "worth": 40, "uncosted": 1}


def test_an_empty_shelf_is_worth_nothing(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "sold out", 0, cost=None)
    assert cash_of(shelf) == {"sentence": "calm", "cash": 0, "worth": 0, "uncosted": 0}


def test_a_young_history_tells_neither(shelf: duckdb.DuckDBPyConnection) -> None:
    put(shelf, "low", 1, sold=((3, 28),))
    put(shelf, "quiet", 5)
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=26)])
    assert asked_of(shelf).sentence == "calm"
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=27)])
    assert list(by_name(asked_of(shelf))) == ["low"]
    shelf.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=90)])
    assert list(by_name(asked_of(shelf))) == ["low", "quiet"]


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Shelves that were read every morning for a hundred days."""
    folder = tmp_path_factory.mktemp("looked")
    with simulate(folder, seed=43, days=130, orders_per_day=1) as simulation:
        last, pipeline = simulation.shop.last_day, simulation.pipeline
        tables = [(source, table) for source in pipeline.sources for table in pipeline.tables(source)]
        for ago in range(100, -1, -1):
            simulation.set_day(last - timedelta(days=ago))
            for source, table in tables:
                if table.change is Change.SNAPSHOT:
                    pipeline.extract(source, table, last - timedelta(days=ago), last - timedelta(days=ago))
        for source, table in tables:
            if table.change is not Change.SNAPSHOT:
                pipeline.extract(source, table, simulation.shop.first_day, last)
        simulation.compute()
        yield simulation


def test_the_simulated_shelves(looked: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every article in danger or asleep, with what is at stake, from the shop's own events."""
    monkeypatch.setattr(stock, "MOST_OUT", 10_000)
    monkeypatch.setattr(stock, "MOST_ASLEEP", 10_000)
    last, books = looked.shop.last_day, looked.oracle()._books
    units: dict[str, Counter[date]] = defaultdict(Counter)
    sales: dict[str, Fraction] = defaultdict(Fraction)
    for line in books.lines:
        if line.sold and line.product is not None:
            variant = str(line.product.variant_id)
            units[variant][line.day] += line.quantity
            if line.day > last - timedelta(days=28):
                sales[variant] += Fraction(line.gross - line.discount)
    seen: dict[str, dict[date, StockDay]] = defaultdict(dict)
    for shelf in looked.shop.stock:
        seen[str(shelf.product.variant_id)][shelf.day] = shelf
    wanted: dict[tuple[str, str, int], Fraction | None] = {}
    for variant, days in seen.items():
        mine = {ago: units[variant][last - timedelta(days=ago)] for ago in range(90)}
        shelved = {ago for ago in mine if (one := days.get(last - timedelta(days=ago))) and one.on_hand > 0}
        there = len({ago for ago in range(28) if mine[ago] > 0} | {ago for ago in shelved if ago < 28})
        month, now = sum(mine[ago] for ago in range(28)), days[last]
        in_hand = max(now.on_hand, 0)
        if len(shelved) == 90 and not any(mine.values()):
            cost = now.product.unit_cost
            wanted["asleep", now.product.title, in_hand] = (
                None if cost is None else Fraction(cost, 10_000) * in_hand
            )
        elif now.active and month and Fraction(in_hand * there, month) < 14:
            lost = sales[variant] / there * (14 - Fraction(in_hand * there, month))
            wanted["out", now.product.title, in_hand] = lost
    with open_warehouse(looked.warehouse) as connection:
        told = stock.answer(connection, last)
    assert told is not None
    rows: dict[Any, Any] = {(row[0], row[1], row[3]): row[6] for row in told.rows}
    assert set(rows) == set(wanted)
    for key, stake in wanted.items():
        assert (rows[key] is None) == (stake is None), key
        assert stake is None or abs(Fraction(rows[key]) - stake) < Fraction(1, 1000), key
    assert {state for state, *_ in wanted} == {"out", "asleep"}
