"""Prices and costs that moved: pieces that add up, by hand and against the simulated shop's own lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import prices
from ecom_pipeline.insights.questions.question import Part
from ecom_pipeline_tests.simulation import Simulation

TODAY = date(2026, 6, 30)


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA model; CREATE SCHEMA config; CREATE SCHEMA kpi;
            CREATE TABLE kpi.days AS SELECT 'net_sales' AS kpi, DATE '2025-07-01' + CAST(d.range AS INTEGER) AS day,
                'complete' AS state FROM RANGE(365) AS d;
            CREATE TABLE config.shop AS SELECT DATE '2025-07-01' AS history_start;
            CREATE TABLE model.sale_lines (shop VARCHAR, product_id VARCHAR, product VARCHAR, kind VARCHAR, day DATE,
                units INTEGER, gross DECIMAL(18, 2), discounts DECIMAL(18, 2), cost DECIMAL(18, 4), is_known BOOLEAN);
            """
        )
        yield connection


def put(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    before: tuple[int, int, int],
    now: tuple[int, int, int],
    *,
    ago: tuple[int, int] = (28, 0),
    known: bool = True,
) -> None:
    """An article's (units, price, cost) in the four weeks before and in the last four, with 1 of discount a unit."""
    for back, (units, price, cost) in zip(ago, (before, now), strict=True):
        connection.execute(
            "INSERT INTO model.sale_lines VALUES ('s', ?, ?, 'product', ?, ?, ?, ?, ?, ?)",
            [
                name,
                name,
                TODAY - timedelta(days=back),
                units,
                units * (price + 1),
                units,
                units * cost,
                known,
            ],
        )


def asked_of(connection: duckdb.DuckDBPyConnection) -> dict[Any, tuple[Any, ...]]:
    found = prices.answer(connection, TODAY)
    assert found is not None
    return {row[0]: row for row in found.rows}


def test_days_that_were_not_read_are_said(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "squeezed", (30, 50, 20), (40, 45, 24))
    missing = "UPDATE kpi.days SET state = 'missing' WHERE day = ?"
    shop.execute(missing, [TODAY - timedelta(days=56)])
    whole = prices.answer(shop, TODAY)
    assert whole is not None and whole.notes == ()
    shop.execute(missing, [TODAY - timedelta(days=55)])
    shop.execute(missing, [TODAY])
    told = prices.answer(shop, TODAY)
    assert told is not None and told.notes == ("unread",)
    assert told.parts["unread"] == Part("count", Decimal(2))


def test_price_and_cost_share_the_effect(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "squeezed", (30, 50, 20), (40, 45, 24))
    row = asked_of(shop)["squeezed"]
    assert row[2:6] == (50, 45, 20, 24)
    assert row[6:8] == (Decimal("0.6"), Decimal(21) / Decimal(45))
    assert row[8:] == (-50, -40, -90), "ten a week: five less by price and four more by cost"


@pytest.mark.parametrize("price", range(47, 53))
def test_the_two_effects_add_up_to_the_cent(shop: duckdb.DuckDBPyConnection, price: int) -> None:
    put(shop, "article", (30, 50, 20), (37, price, 23))
    shop.execute("UPDATE model.sale_lines SET cost = cost + 0.0137, gross = gross + 0.02 WHERE units = 37")
    by_price, by_cost, effect = asked_of(shop)["article"][8:]
    assert by_price + by_cost == effect
    assert by_cost < 0
    assert (by_price > 0) == (price > 50)


def test_losses_come_first_and_the_sentence_sums_both_sides(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "dearer", (20, 50, 20), (20, 60, 20))
    put(shop, "small loss", (20, 50, 20), (20, 48, 20))
    put(shop, "great loss", (20, 50, 20), (20, 40, 20))
    found = prices.answer(shop, TODAY)
    assert found is not None and found.sentence == "lost"
    assert [row[0] for row in found.rows] == ["great loss", "small loss", "dearer"]
    assert {name: part.value for name, part in found.parts.items()} == {
        "lost": 60, "won": 50, "uncosted": 0, "unread": 0, "product": "great loss", "worst": 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "listed"),
    [
        ((10, 100, 50), (10, 102, 50), True),
        ((10, 200, 50), (10, 203, 50), False),  # less than 2 %
        ((9, 100, 50), (10, 120, 50), False),
        ((10, 100, 50), (9, 120, 50), False),
        ((10, 100, 50), (10, 100, 51), True),
        ((10, 100, 0), (10, 100, 5), True),
    ],
)
def test_what_is_listed(
    shop: duckdb.DuckDBPyConnection, before: tuple[int, int, int], now: tuple[int, int, int], listed: bool
) -> None:
    put(shop, "article", before, now)
    assert ("article" in asked_of(shop)) == listed


def test_two_spans_of_four_weeks_are_compared(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "outer", (10, 100, 50), (10, 120, 50), ago=(55, 27))
    put(shop, "too old", (10, 100, 50), (10, 120, 50), ago=(56, 27))
    assert list(asked_of(shop)) == ["outer"]
    shop.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=55)])
    assert list(asked_of(shop)) == ["outer"]
    shop.execute("UPDATE config.shop SET history_start = ?", [TODAY - timedelta(days=54)])
    assert prices.answer(shop, TODAY) is None


def test_what_cost_is_not_known_of_has_no_margin_and_is_counted(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "article", (10, 100, 50), (10, 120, 50), known=False)
    put(shop, "hardly sold", (9, 100, 50), (10, 120, 50), known=False)
    found = prices.answer(shop, TODAY)
    assert found is not None and (found.sentence, found.rows) == ("calm", ())
    assert found.notes == ("cost_unknown",)
    assert found.parts["uncosted"].value == 1
    shop.execute("UPDATE model.sale_lines SET is_known = TRUE")
    told = prices.answer(shop, TODAY)
    assert told is not None and (told.notes, len(told.rows)) == ((), 1)


def test_the_simulated_articles(
    asked: Simulation, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the lines the customers agreed to: the same articles, and effects to the cent of rounding."""
    monkeypatch.setattr(prices, "MOST_ROWS", 10_000)
    last, books = asked.shop.last_day, asked.oracle()._books
    sums: dict[str, list[list[Fraction]]] = defaultdict(lambda: [[Fraction(0)] * 3, [Fraction(0)] * 3])
    for line in books.lines:
        if (
            line.sold
            and line.product is not None
            and line.product.unit_cost is not None
            and line.quantity > 0
        ):
            place = 1 if line.day > last - timedelta(days=28) else 0
            if last - timedelta(days=56) < line.day <= last:
                some = sums[str(line.product.variant_id)][place]
                some[0] += line.quantity
                some[1] += Fraction(line.gross - line.discount)
    for fact in books.cost_of_goods:
        if fact.amount > 0 and last - timedelta(days=56) < fact.day <= last:
            sums[fact.segments["variant"]][fact.day > last - timedelta(days=28)][2] += Fraction(fact.amount)
    effects = []
    for before, now in sums.values():
        if min(before[0], now[0]) >= 10 and min(before[1], now[1]) > 0:
            price, cost = ([some[place] / some[0] for some in (before, now)] for place in (1, 2))
            if any(abs(after - first) * 50 >= first if first else after for first, after in (price, cost)):
                effects.append(((price[1] - price[0]) * now[0] / 4, (cost[0] - cost[1]) * now[0] / 4))
    found = prices.answer(warehouse, last)
    assert found is not None and effects
    told: list[Any] = [row[-3:] for row in found.rows]
    assert len(told) == len(effects)
    assert all(by_price + by_cost == effect for by_price, by_cost, effect in told)
    for place in (0, 1):
        for mine, truth in zip(
            sorted(row[place] for row in told), sorted(one[place] for one in effects), strict=True
        ):
            assert abs(Fraction(mine) - truth) <= Fraction(1, 100)
    assert any(by_price for by_price, *_ in told)
    uncosted = [line for line in books.lines if line.sold and line.product and line.product.unit_cost is None]
    sold: Counter[tuple[str, bool]] = Counter()
    for line in uncosted:
        if last - timedelta(days=56) < line.day <= last:
            sold[str(line.product and line.product.variant_id), line.day > last - timedelta(days=28)] += (
                line.quantity
            )
    wanted = {variant for variant, _ in sold if min(sold[variant, False], sold[variant, True]) >= 10}
    assert found.parts["uncosted"].value == len(wanted)
