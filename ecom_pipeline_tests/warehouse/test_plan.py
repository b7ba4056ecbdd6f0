"""Which days are built: only Sundays where a table has no others, and nothing of a month that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from ecom_pipeline.warehouse.build import build
from ecom_pipeline.warehouse.catalog import Days, Node, Touch
from ecom_pipeline.warehouse.changes import log_changes
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.plan import BuildRequest, Planner

START = date(2026, 1, 1)


def node(days: Days, touches: dict[str, Touch] | None = None) -> Node:
    sql = "SELECT d.day AS day, COUNT(*) AS n FROM run.days AS d LEFT JOIN model.facts AS f ON f.day = d.day GROUP BY d.day"
    scope: Literal["all", "day"] = "all" if days == "of_months_over" else "day"
    return Node("model.made", sql, ("model.facts",), scope, touches or {}, ("day",), "a day", "", days=days)


def asked(day: date, first_day: date | None = None) -> BuildRequest:
    return BuildRequest(first_day or day, day, START, "Europe/Paris", datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("CREATE TABLE model.facts (day DATE)")
        yield connection


def change(connection: duckdb.DuckDBPyConnection, day: date | None) -> None:
    if day is None:
        connection.execute(
            "INSERT INTO ops.changes VALUES (NEXTVAL('ops.change_sequence'), 'model.facts', NULL)"
        )
    else:
        log_changes(connection, "model.facts", f"SELECT DATE '{day}' AS day")


def built(connection: duckdb.DuckDBPyConnection) -> set[date]:
    return {day for (day,) in connection.execute("SELECT day FROM model.made").fetchall()}


def test_months_are_told_when_they_are_over_and_when_something_of_them_changes(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    cohorts = node("of_months_over")

    def days_built(day: date) -> int:
        return build(connection, [cohorts], asked(day))[0].days_built

    assert days_built(date(2026, 3, 30)) == 59  # January and February
    assert max(built(connection)) == date(2026, 2, 28)
    assert days_built(date(2026, 3, 30)) == 0
    change(connection, date(2026, 3, 1))
    assert days_built(date(2026, 3, 30)) == 0
    change(connection, date(2026, 2, 28))
    assert days_built(date(2026, 3, 30)) == 59
    assert days_built(date(2026, 3, 31)) == 90  # the last day of March ends it
    assert max(built(connection)) == date(2026, 3, 31)
    change(connection, None)  # a setting that holds for all days
    assert days_built(date(2026, 4, 1)) == 90
    assert days_built(date(2026, 4, 2)) == 0
    assert build(connection, [replace(cohorts, sql=f"{cohorts.sql} ")], asked(date(2026, 4, 2)))[0].days_built


def test_a_change_in_a_month_that_runs_is_there_when_it_is_over(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    cohorts = node("of_months_over")
    build(connection, [cohorts], asked(date(2026, 3, 9)))
    connection.execute("INSERT INTO model.facts SELECT DATE '2026-03-05' FROM RANGE(3)")
    change(connection, date(2026, 3, 5))
    build(connection, [cohorts], asked(date(2026, 3, 10)))
    build(connection, [cohorts], asked(date(2026, 4, 1)))
    assert connection.execute("SELECT n FROM model.made WHERE day = DATE '2026-03-05'").fetchall() == [(3,)]


def test_only_sundays(connection: duckdb.DuckDBPyConnection) -> None:
    weekly = node("sundays", {"model.facts": Touch(after=True)})
    sunday = date(2026, 3, 8)
    build(connection, [weekly], asked(sunday + timedelta(days=3)))
    assert built(connection) == {
        START + timedelta(days=n) for n in range(67) if (START + timedelta(days=n)).isoweekday() == 7
    }
    for later, changed, wanted in (
        (3, None, []),
        (4, sunday + timedelta(days=1), []),
        (5, sunday, [sunday]),
        (6, sunday - timedelta(days=7), [sunday - timedelta(days=7), sunday]),
        (7, None, [sunday + timedelta(days=7)]),
    ):
        if changed is not None:
            change(connection, changed)
        planned = Planner(connection, [weekly], asked(sunday + timedelta(days=later))).plan(weekly)
        assert list(planned.days) == wanted, later
        build(connection, [weekly], asked(sunday + timedelta(days=later)))
