"""Customers by recency, frequency and value: by hand at the borders, and counted from the simulated shop's events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import customers
from ecom_pipeline_tests.simulation import Simulation

TODAY = date(2026, 6, 30)


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop whose customers came back after 50 days, thirty times."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA model; CREATE SCHEMA config;
            CREATE TABLE config.shop AS SELECT CAST(NULL AS INTEGER) AS churn_window_days;
            CREATE TABLE model.customer_orders (dimension VARCHAR, customer VARCHAR, shop VARCHAR, order_id VARCHAR,
                day DATE, previous_day DATE);
            CREATE TABLE model.sale_lines (customer VARCHAR, day DATE, gross DECIMAL(18, 2), discounts DECIMAL(18, 2),
                returns DECIMAL(18, 2), shipping_income DECIMAL(18, 2), cost DECIMAL(18, 4),
                kind VARCHAR DEFAULT 'product', is_known BOOLEAN DEFAULT TRUE);
            """
        )
        put(connection, "steady", [1500 - 50 * number for number in range(31)], price=1)  # the last one today
        yield connection


def put(connection: duckdb.DuckDBPyConnection, name: str, ago: list[int], *, price: int = 100) -> None:
    """A customer who bought so many days ago, oldest first: goods cost 40 %, shipping brings 5."""
    previous = None
    for number, back in enumerate(ago):
        day = TODAY - timedelta(days=back)
        connection.execute(
            "INSERT INTO model.customer_orders VALUES ('total', ?, 's', ?, ?, ?)",
            [name, f"{name}{number}", day, previous],
        )
        connection.execute(
            "INSERT INTO model.sale_lines VALUES (?, ?, ?, 0, 0, 5, ?, DEFAULT, DEFAULT)",
            [name, day, price, price * Decimal("0.4")],
        )
        previous = day


def counted(connection: duckdb.DuckDBPyConnection) -> dict[Any, Any]:
    found = customers.answer(connection, TODAY)
    assert found is not None
    return {row[0]: row[1] for row in found.rows}


@pytest.mark.parametrize(
    ("ago", "segment"),
    [
        ([50], "new"), ([51], "cooling"), ([100], "cooling"), ([101], "once"),
        ([100, 50], "best"), ([101, 51], "at_risk"), ([150, 100], "at_risk"), ([151, 101], "lost"),
    ],
)  # fmt: skip
def test_segments_meet_at_one_and_two_rhythms(
    shop: duckdb.DuckDBPyConnection, ago: list[int], segment: str
) -> None:
    put(shop, "somebody", ago)
    assert counted(shop) == {"loyal": 1, segment: 1}


def test_the_best_are_the_fifth_that_bought_most(shop: duckdb.DuckDBPyConnection) -> None:
    for number in range(9):
        put(shop, f"c{number}", [60, 10], price=100 + number)
    assert counted(shop) == {"best": 2, "loyal": 8}


def test_what_winning_back_is_worth(shop: duckdb.DuckDBPyConnection) -> None:
    for number in range(20):
        put(shop, f"late{number}", [110, 60])
    found = customers.answer(shop, TODAY)
    assert found is not None and found.sentence == "late"
    rows = {row[0]: row for row in found.rows}
    # 100 less 40 of goods and with 5 of shipping are 65 an order; two of twenty come back.
    assert rows["at_risk"][4:] == (Decimal(200), Decimal(65))
    assert found.parts["worth"].value == Decimal(130)
    assert found.parts["window"].value == Decimal(50)
    assert sum(row[2] for row in found.rows) == 1  # type: ignore[misc]
    assert rows["at_risk"][3] == Decimal(4000) / Decimal(4031)
    assert found.notes == ()
    shop.execute("UPDATE model.sale_lines SET is_known = FALSE WHERE customer = 'late3'")
    warned = customers.answer(shop, TODAY)
    assert warned is not None and warned.notes == ("cost_unknown",)


def test_a_window_of_the_shops_own_replaces_its_rhythm(shop: duckdb.DuckDBPyConnection) -> None:
    put(shop, "somebody", [60, 35])
    shop.execute("UPDATE config.shop SET churn_window_days = 30")
    assert counted(shop) == {"loyal": 1, "at_risk": 1}


def test_too_few_who_came_back_tell_no_rhythm(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("DELETE FROM model.customer_orders WHERE day < ?", [TODAY - timedelta(days=50 * 19)])
    assert counted(shop) == {"loyal": 1}
    shop.execute(
        "UPDATE model.customer_orders SET previous_day = NULL WHERE day < ?",
        [TODAY - timedelta(days=50 * 18)],
    )
    assert customers.answer(shop, TODAY) is None


def test_the_simulated_customers(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Who bought how often and when, over all shops, from their own events."""
    last = asked.shop.last_day
    bought: dict[str, list[tuple[Any, date]]] = defaultdict(list)
    for known in asked.oracle()._books.valid_orders:
        if known.email and not known.cancelled:
            bought[known.email].append((known.order.created_at, known.day))
    gaps = []
    for orders in bought.values():
        days = [day for _, day in sorted(orders)]
        gaps += [(later - earlier).days for earlier, later in pairwise(days)]
    gaps.sort()
    rhythm = max(gaps[-(-len(gaps) * 4 // 5) - 1], 1)
    wanted: Counter[str] = Counter()
    for orders in bought.values():
        late = (last - max(day for _, day in orders)).days
        several = len(orders) > 1
        if late > 2 * rhythm:
            wanted["lost" if several else "once"] += 1
        elif late > rhythm:
            wanted["at_risk" if several else "cooling"] += 1
        else:
            wanted["back" if several else "new"] += 1
    found = customers.answer(warehouse, last)
    assert found is not None
    told: Counter[str] = Counter()
    for row in found.rows:
        assert isinstance(row[1], Decimal)
        told["back" if row[0] in ("best", "loyal") else str(row[0])] += int(row[1])
    assert told == wanted
    assert found.parts["window"].value == rhythm
    assert len(told) >= 4
