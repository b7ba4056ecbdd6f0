"""Customers by recency, frequency and value: by hand at the borders, and counted from the simulated shop's events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions import customers
from ecom_pipeline.sandbox.oracle.customers import Gap
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
            CREATE TABLE config.coverage AS SELECT CAST(0.9 AS DECIMAL(18, 4)) AS minimum_coverage;
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


def test_what_a_margin_is_not_known_of_is_not_pure_margin(shop: duckdb.DuckDBPyConnection) -> None:
    for number in range(10):
        put(shop, f"late{number}", [110, 60])
    shop.execute("UPDATE model.sale_lines SET is_known = FALSE, cost = 0 WHERE customer = 'late3' AND day = ?",
        [TODAY - timedelta(days=60)])  # fmt: skip
    told = customers.answer(shop, TODAY)
    assert told is not None and (told.sentence, told.notes) == ("late", ("cost_partly",))
    rows = {row[0]: row for row in told.rows}
    # 19 orders left 65; of the twentieth neither sales nor goods are known to have left anything.
    assert rows["at_risk"][4:] == (Decimal(200), Decimal("61.75"))
    assert told.parts["known"].value == Decimal(1931) / Decimal(2031)
    shop.execute(
        "UPDATE model.sale_lines SET is_known = FALSE, cost = 0 WHERE customer IN ('late1', 'late2')"
    )
    withheld = customers.answer(shop, TODAY)
    assert withheld is not None
    assert (withheld.sentence, withheld.notes) == ("late_uncosted", ("cost_partly", "margin_withheld"))
    assert {row[0]: row[5] is None for row in withheld.rows} == {"at_risk": True, "loyal": False}
    assert withheld.parts["worth"].value is None
    shop.execute("UPDATE config.coverage SET minimum_coverage = 0.75")
    allowed = customers.answer(shop, TODAY)
    assert allowed is not None and (allowed.sentence, allowed.notes) == ("late", ("cost_partly",))


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


def test_the_simulated_amounts(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Sales and margin of each segment, summed line by line over the people the events put into it."""
    books, last = asked.oracle()._books, asked.shop.last_day
    rhythm = _rhythm(books.gaps)
    money: dict[str, list[Fraction]] = defaultdict(
        lambda: [Fraction(0)] * 4
    )  # net, margin, known gross, gross
    owner: dict[object, str | None] = {known.order.order_id: known.email for known in books.valid_orders}
    for line in books.lines:
        if not line.known.email:
            continue
        mine, amount = money[line.known.email], Fraction(line.gross - line.discount)
        if line.sold or line.given_back:
            mine[0] += amount
            mine[1] += amount if line.cost_known else 0
            mine[2] += Fraction(line.gross) if line.sold and line.cost_known else 0
            mine[3] += Fraction(line.gross) if line.sold else 0
        elif line.kind == "shipping":
            mine[1] += amount
    for fact in books.cost_of_goods:
        email = owner[fact.order_id]
        if email:
            money[email][1] -= Fraction(fact.amount)
    orders: dict[str, list[date]] = defaultdict(list)
    for purchase in books.purchases:
        orders[purchase.email].append(purchase.day)
    sums: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 6)  # people, orders, money
    for email, days in orders.items():
        late = (last - max(days)).days
        place = 0 if late <= rhythm else 1 if late <= 2 * rhythm else 2
        names = ("back", "at_risk", "lost") if len(days) > 1 else ("new", "cooling", "once")
        mine = [Fraction(1), Fraction(len(days)), *money[email]]
        sums[names[place]] = [one + other for one, other in zip(sums[names[place]], mine, strict=True)]
    found = customers.answer(warehouse, last)
    assert found is not None
    told = {row[0]: row for row in found.rows}
    assert {"new", "once"} <= set(told), "what is compared must be there"
    for name, (people, count, net, margin, known, gross) in sums.items():
        if name == "back":
            continue
        row = told[name]
        assert _near(row[4], net / people), name
        if known < Fraction(9, 10) * gross:
            assert row[5] is None, name
        else:
            assert _near(row[5], margin / count), name
    at_risk = sums["at_risk"]
    assert _near(found.parts["worth"].value, at_risk[0] / 10 * at_risk[3] / at_risk[1])


def _near(told: Any, truth: Fraction) -> bool:
    """To a cent: costs are rounded to four decimals, line by line."""
    return told is not None and abs(Fraction(told) - truth) <= Fraction(1, 100)


def _rhythm(gaps: Iterable[Gap]) -> int:
    days = sorted(gap.days for gap in gaps)
    return max(days[-(-len(days) * 4 // 5) - 1], 1)
