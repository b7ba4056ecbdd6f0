"""Cohorts as a question: shares and money by months later, nothing of a month that was not over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ecom_pipeline.insights.questions.question import Answer, Cell, Part, Segment, questions
from ecom_pipeline.reports.answers import write_answer
from ecom_pipeline_tests.simulation import Simulation

MONTHS = [date(2026, month, 1) for month in range(1, 7)]
LAST = date(2026, 6, 30)
Row = tuple[date, str, str, int, int, int, Decimal, Decimal | None]


def rows_of(dimension: str, segment: str, customers: int, cost: Decimal | None) -> Iterator[Row]:
    """Of each month's customers one in two buys again a month later, one in four the next, and so on; each earns 10."""
    for at, month in enumerate(MONTHS):
        for later in range(len(MONTHS) - at):
            earned = Decimal(10 * customers * (later + 1))
            yield month, dimension, segment, later, customers, customers // 2**later, earned, cost


@pytest.fixture
def known() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA model; CREATE SCHEMA kpi;
            CREATE TABLE kpi.days AS SELECT 'customer_acquisition_cost' AS kpi,
                DATE '2026-01-01' + CAST(d.range AS INTEGER) AS day, 'complete' AS state FROM RANGE(181) AS d;
            CREATE TABLE model.cohort_months (day DATE, dimension VARCHAR, segment VARCHAR, months_later BIGINT,
                customers BIGINT, active_customers BIGINT, contribution DECIMAL(28, 4), acquisition_cost DECIMAL(18, 4));
            CREATE TABLE model.cohort_paybacks (day DATE, dimension VARCHAR, segment VARCHAR, payback_days BIGINT);
            INSERT INTO model.cohort_paybacks VALUES ('2026-01-01', 'total', '', 40), ('2026-03-01', 'total', '', 61);
            """
        )
        cells = [
            *rows_of("total", "", 64, Decimal(640)),
            *rows_of("channel", "Email", 48, Decimal(0)),
            *rows_of("channel", "Unassigned", 16, Decimal(640)),
            *rows_of("country", "FR", 64, None),
            *rows_of("product", "Vase", 6, None),
        ]
        connection.executemany("INSERT INTO model.cohort_months VALUES (?, ?, ?, ?, ?, ?, ?, ?)", cells)
        yield connection


def ask(connection: duckdb.DuckDBPyConnection, name: str, last_day: date) -> Answer:
    answer = questions()[name].answer(connection, last_day)
    assert answer is not None
    return answer


def test_a_row_is_what_a_month_became(known: duckdb.DuckDBPyConnection) -> None:
    rows: dict[Cell, tuple[Any, ...]] = {row[0]: row for row in ask(known, "cohorts", LAST).rows}
    assert list(rows) == MONTHS[::-1]
    half, quarter, eighth = Decimal("0.5"), Decimal("0.25"), Decimal("0.125")
    assert rows[MONTHS[0]] == (MONTHS[0], 64, half, quarter, eighth, None, None, 10, 40, None, None, 10, 40)
    assert rows[MONTHS[3]] == (MONTHS[3], 64, half, quarter, None, None, None, 10, None, None, None, 10, None)
    assert rows[MONTHS[5]] == (MONTHS[5], 64, None, None, None, None, None, 10, None, None, None, 10, None)


@pytest.mark.parametrize("name", ["cohorts", "cohort_segments"])
def test_days_that_were_not_read_are_said(known: duckdb.DuckDBPyConnection, name: str) -> None:
    assert ask(known, name, LAST).notes == ()
    known.execute("UPDATE kpi.days SET state = 'missing' WHERE day IN ('2026-01-01', '2026-06-30')")
    told = ask(known, name, LAST)
    assert told.notes == ("unread",) and told.parts["unread"] == Part("count", Decimal(2))
    assert ask(known, name, date(2026, 6, 29)).parts["unread"] == Part("count", Decimal(1))


def test_a_past_day_knows_nothing_of_what_came_after(known: duckdb.DuckDBPyConnection) -> None:
    day = date(2026, 5, 30)  # a day before May is over
    rows = {row[0]: row for row in ask(known, "cohorts", day).rows}
    assert list(rows) == MONTHS[3::-1]
    assert rows[MONTHS[0]][4] is not None and rows[MONTHS[1]][4] is None
    paid = {row[0]: row[-1] for row in ask(known, "cohorts", date(2026, 5, 31)).rows}
    assert paid[MONTHS[2]] == 61, "April 1 and 61 days, the first of which is a day of 0"
    assert rows[MONTHS[2]][-1] is None, "a day earlier its last newcomers had not lived through 61 days"
    assert questions()["cohorts"].answer(known, date(2026, 1, 30)) is None


def test_the_sentence_speaks_of_those_old_enough(known: duckdb.DuckDBPyConnection) -> None:
    told = ask(known, "cohorts", LAST)
    assert told.sentence == "told"
    assert {name: part.value for name, part in told.parts.items()} == {
        "months": 3, "customers": 3 * 64, "back": Decimal("0.125"), "earned": 40, "cost": 10,
        "unread": 0,
    }  # fmt: skip
    assert ask(known, "cohorts", date(2026, 3, 31)).sentence == "young"


def test_segments_are_compared_at_the_same_age(known: duckdb.DuckDBPyConnection) -> None:
    told = ask(known, "cohort_segments", LAST)
    rows: list[tuple[Any, ...]] = list(told.rows)
    assert [row[:3] for row in rows] == [
        ("channel", Segment("channel", "Email"), 144),
        ("channel", Segment("channel", "Unassigned"), 48),
        ("country", Segment("country", "FR"), 192),
    ]  # three months of six vases are fewer than twenty
    assert [row[3:] for row in rows] == [
        (Decimal("0.125"), 40, 0), (Decimal("0.125"), 40, 40), (Decimal("0.125"), 40, None),
    ]  # fmt: skip
    written = write_answer(told, "fr", "EUR")
    assert [row[:2] for row in written.rows][1:] == [("Canal", "Non attribué"), ("Pays", "France")]
    assert questions()["cohort_segments"].answer(known, date(2026, 4, 29)) is None


def test_the_best_channel_is_named(known: duckdb.DuckDBPyConnection) -> None:
    known.execute(
        "UPDATE model.cohort_months SET contribution = 2 * contribution WHERE segment = 'Unassigned'"
    )
    told = ask(known, "cohort_segments", LAST)
    assert told.parts["best"].value == Segment("channel", "Unassigned") and told.parts["most"].value == 80
    assert "Unassigned" in write_answer(told, "en", "EUR").sentence


def test_on_a_shop_they_are_the_models_cells(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> None:
    """The oracle judges the cells (kpis/test_cohorts.py); here they are divided and put in their places."""
    last = asked.shop.last_day
    told = ask(warehouse, "cohorts", last)
    assert len(told.rows) == 13
    cells = {
        (month, later): row
        for month, later, *row in warehouse.execute(
            "SELECT day, months_later, customers, active_customers, contribution FROM model.cohort_months "
            "WHERE dimension = 'total'"
        ).fetchall()
    }
    for row in told.rows:
        values = dict(zip((column.key for column in told.columns), row, strict=True))
        for later in (1, 2, 3, 6, 12):
            cell = cells.get((row[0], later))
            assert values[f"retained_{later}"] == (None if cell is None else Decimal(cell[1]) / cell[0])
        for later in (0, 3, 6, 12):
            cell = cells.get((row[0], later))
            assert values[f"earned_{later}"] == (None if cell is None else cell[2] / cell[0])
    by = {row[0] for row in ask(warehouse, "cohort_segments", last).rows}
    assert by == {"channel", "country", "product"}
