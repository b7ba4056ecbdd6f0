"""Monthly cohorts against the shop's own events, counted in plain Python."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecom_pipeline.cli import app
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.sandbox.oracle.known import KnownOrder

from ..simulation import simulate
from .built_shop import RECIPES, BuiltShop

Cell = tuple[date, str, str, int]


@pytest.fixture(scope="module", params=RECIPES)
def shop(request: pytest.FixtureRequest, built: Callable[[str], BuiltShop]) -> BuiltShop:
    return built(request.param)


@pytest.fixture(scope="module")
def oracle(shop: BuiltShop) -> Oracle:
    return shop.oracle


@pytest.fixture(scope="module")
def cells(shop: BuiltShop) -> dict[Cell, tuple[int, int, Decimal, Decimal | None]]:
    rows = shop.connection.execute(
        "SELECT day, dimension, segment, months_later, customers, active_customers, contribution, acquisition_cost "
        "FROM model.cohort_months"
    ).fetchall()
    found = {row[:4]: row[4:] for row in rows}
    assert len(found) == len(rows), "one row a cell"
    return found


def month_of(day: date) -> date:
    return day.replace(day=1)


def months_between(earlier: date, later: date) -> int:
    return 12 * (later.year - earlier.year) + later.month - earlier.month


def cohorts(oracle: Oracle) -> dict[tuple[date, str, str], set[str]]:
    """Who first bought in a month, by each segment of that first order."""
    found: defaultdict[tuple[date, str, str], set[str]] = defaultdict(set)
    first: dict[str, KnownOrder] = {}
    for known in sorted(
        oracle._books.valid_orders, key=lambda one: (one.order.created_at, one.order.order_id)
    ):
        if known.email and not known.cancelled:
            first.setdefault(known.email, known)
    for email, known in first.items():
        month = month_of(known.day)
        found[month, "total", ""].add(email)
        found[month, "channel", known.segments["channel"]].add(email)
        found[month, "country", known.segments["country"]].add(email)
        for agreement in known.agreements:
            for line in agreement.lines:
                if line.kind == "product" and line.quantity > 0 and line.product:
                    found[month, "product", line.product.title].add(email)
    return found


def over(shop: BuiltShop) -> set[date]:
    """The months of the history that ended with it, or before."""
    return {month_of(day) for day in shop.days() if month_of(day) < month_of(shop.last_day)}


def test_every_cohort_and_only_months_that_are_over(
    shop: BuiltShop, oracle: Oracle, cells: dict[Cell, tuple[int, int, Decimal, Decimal | None]]
) -> None:
    wanted = {
        (month, dimension, segment, months_between(month, later)): len(people)
        for (month, dimension, segment), people in cohorts(oracle).items()
        for later in over(shop)
        if later >= month
    }
    assert {cell: row[0] for cell, row in cells.items()} == wanted
    assert len({cell[0] for cell in cells}) == len(over(shop)) >= 2


def test_retention_is_who_bought_in_that_month(
    shop: BuiltShop, oracle: Oracle, cells: dict[Cell, tuple[int, int, Decimal, Decimal | None]]
) -> None:
    bought: defaultdict[date, set[str]] = defaultdict(set)
    for known in oracle._books.valid_orders:
        if known.email and not known.cancelled:
            bought[month_of(known.day)].add(known.email)
    for (month, dimension, segment), people in cohorts(oracle).items():
        for later in over(shop):
            if later >= month:
                found = cells[month, dimension, segment, months_between(month, later)][1]
                assert found == len(people & bought[later]), (month, dimension, segment, later)
    assert all(row[0] == row[1] for cell, row in cells.items() if cell[3] == 0), (
        "all bought in their first month"
    )


def test_contribution_adds_up_month_by_month(
    shop: BuiltShop, oracle: Oracle, cells: dict[Cell, tuple[int, int, Decimal, Decimal | None]]
) -> None:
    books = oracle._books
    email = {known.order.order_id: known.email for known in books.valid_orders}
    earned: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for facts, sign in (
        (books.net, 1), (books.shipping_income, 1), (books.cost_of_goods, -1), (books.logistics, -1),
        (books.payment_fees, -1),
    ):  # fmt: skip
        for fact in facts:
            who = email.get(fact.order_id or 0)
            if who and fact.day <= books.as_of_day:
                earned[who, month_of(fact.day)] += sign * fact.amount
    months = sorted(over(shop))
    checked = 0
    for (month, dimension, segment), people in cohorts(oracle).items():
        total = Decimal(0)
        for later in months:
            if later >= month:
                total += sum((earned[who, later] for who in people), Decimal(0))
                found = cells[month, dimension, segment, months_between(month, later)][2]
                assert found == total, (month, dimension, segment, later)
                checked += 1
    assert checked == len(cells) > 50


def test_acquisition_cost_is_the_months_marketing(
    oracle: Oracle, cells: dict[Cell, tuple[int, int, Decimal, Decimal | None]]
) -> None:
    spent: defaultdict[date, Decimal] = defaultdict(Decimal)
    for fact in oracle._books.marketing_cost:
        spent[month_of(fact.day)] += fact.amount
    totals = {cell[0]: row[3] for cell, row in cells.items() if cell[1] == "total"}
    assert totals and all(cost == spent[month] for month, cost in totals.items())
    assert {row[3] for cell, row in cells.items() if cell[1] in ("country", "product")} == {None}


def test_payback_is_the_day_the_cost_was_earned_back(shop: BuiltShop, oracle: Oracle) -> None:
    """Walked through day by day for each month and channel."""
    books = oracle._books
    email = {known.order.order_id: known.email for known in books.valid_orders}
    people = {key: who for key, who in cohorts(oracle).items() if key[1] in ("total", "channel")}
    first_day: dict[str, date] = {}
    for known in books.valid_orders:
        if known.email and not known.cancelled:
            first_day[known.email] = min(known.day, first_day.get(known.email, known.day))
    by_age: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for facts, sign in (
        (books.net, 1), (books.shipping_income, 1), (books.cost_of_goods, -1), (books.logistics, -1),
        (books.payment_fees, -1),
    ):  # fmt: skip
        for fact in facts:
            who = email.get(fact.order_id or 0)
            if who is not None and who in first_day and first_day[who] <= fact.day <= books.as_of_day:
                by_age[who, (fact.day - first_day[who]).days] += sign * fact.amount
    rows = shop.connection.execute(
        "SELECT day, dimension, segment, acquisition_cost, payback_days FROM model.cohort_paybacks"
    ).fetchall()
    assert {row[:3] for row in rows} == {key for key in people if key[0] in over(shop)}
    for month, dimension, segment, cost, payback in rows:
        following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        wanted, total = None, Decimal(0)
        for age in range((books.as_of_day - following).days + 2):
            total += sum((by_age[who, age] for who in people[month, dimension, segment]), Decimal(0))
            happened = any((who, age) in by_age for who in people[month, dimension, segment])
            if total >= cost and happened:
                wanted = age
                break
        assert payback == wanted, (month, dimension, segment)
    assert {row[4] is None for row in rows} == {True, False}


def test_the_command_shows_them(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=23, days=120, orders_per_day=4) as shop:
        shop.run()
        shop.pipeline.publish()
        config = ["--config", str(shop.pipeline.settings.file)]
        sizes = shop.query(
            "SELECT customers FROM model.cohort_months WHERE dimension = 'total' AND months_later = 0 ORDER BY day"
        )
        answer = CliRunner().invoke(app, [*config, "kpi", "cohorts", "--json"])
        by_channel = CliRunner().invoke(
            app, [*config, "kpi", "cohorts", "--by", "channel", "--segment", "Email"]
        )
        refused = CliRunner().invoke(app, [*config, "kpi", "cohorts", "--by", "colour"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert [cohort["customers"] for cohort in told] == [size for (size,) in sizes]
    assert all(cohort["retention"][0] in ("1", 1) for cohort in told)
    assert len(told[0]["retention"]) > len(told[-1]["retention"]), "the young have few months"
    assert by_channel.exit_code == 0 and "Email" in by_channel.output
    assert refused.exit_code != 0
