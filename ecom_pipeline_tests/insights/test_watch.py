"""What a day's alert tells: the rolling week out of its range on two days in a row, limits and targets at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pytest

from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.insights.targets import Target
from ecom_pipeline.insights.watch import Watched, choose_watched, read_watched
from ecom_pipeline.kpis.definition import kpis

TODAY = date(2026, 11, 18)
KPI = {"cart_abandonment_rate": kpis()["cart_abandonment_rate"]}


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """Forty weeks in which about 70 % of a thousand carts a day are left."""
    chance = np.random.default_rng(9)
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA kpi;
            CREATE TABLE kpi.daily (kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR,
                numerator DECIMAL(38, 6), denominator DECIMAL(38, 6), covered DECIMAL(38, 6), coverable DECIMAL(38, 6),
                low DECIMAL(38, 6), high DECIMAL(38, 6));
            CREATE TABLE kpi.days (kpi VARCHAR, day DATE, state VARCHAR, reason VARCHAR);
            """
        )
        for ago in range(280):
            day = TODAY - timedelta(days=ago)
            left = round(700 + 10 * float(chance.normal()))
            connection.execute("INSERT INTO kpi.days VALUES (?, ?, 'complete', NULL)", [*KPI, day])
            connection.execute(
                "INSERT INTO kpi.daily VALUES (?, ?, 'total', '', ?, 1000, NULL, NULL, NULL, NULL)",
                [*KPI, day, left],
            )
        yield connection


def leave_all_carts(connection: duckdb.DuckDBPyConnection, first_day: date) -> None:
    connection.execute("UPDATE kpi.daily SET numerator = 1000 WHERE day >= ?", [first_day])


def watched_on(
    connection: duckdb.DuckDBPyConnection, day: date, target: Decimal | None = None
) -> dict[str, Watched]:
    targets = {key: (Target(value=target),) for key in KPI} if target is not None else {}
    return read_watched(connection, KPI, day, (), targets, Decimal("0.9"))


def told(watched: dict[str, Watched]) -> list[Cause]:
    return [one.cause for one in choose_watched(KPI, watched, 5)]


def test_a_breakdown_is_told_on_its_second_day(shop: duckdb.DuckDBPyConnection) -> None:
    assert told(watched_on(shop, TODAY)) == []
    leave_all_carts(shop, TODAY)
    first = watched_on(shop, TODAY)
    one = first["cart_abandonment_rate"]
    assert one.week_value is not None and one.band is not None and one.week_value > one.band.high
    assert told(first) == [] and not one.is_confirmed
    leave_all_carts(shop, TODAY - timedelta(days=1))
    assert told(watched_on(shop, TODAY)) == [Cause.UNUSUAL]


def test_one_day_that_is_well_again_is_not_told(shop: duckdb.DuckDBPyConnection) -> None:
    leave_all_carts(shop, TODAY)
    yesterday = watched_on(shop, TODAY)["cart_abandonment_rate"]
    well = replace(yesterday, week_value=Decimal("0.7"), is_confirmed=True)
    assert told({"cart_abandonment_rate": well}) == []


def test_a_missed_target_needs_no_second_day(shop: duckdb.DuckDBPyConnection) -> None:
    assert told(watched_on(shop, TODAY, Decimal("0.6"))) == [Cause.TARGET]
    assert told(watched_on(shop, TODAY, Decimal("0.8"))) == []


def test_the_days_before_do_not_know_the_days_after(shop: duckdb.DuckDBPyConnection) -> None:
    before = watched_on(shop, TODAY - timedelta(days=1))
    leave_all_carts(shop, TODAY)
    assert watched_on(shop, TODAY - timedelta(days=1)) == before
