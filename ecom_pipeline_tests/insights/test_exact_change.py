"""LTV / CAC's change by its parts, in shops nobody wrote the numbers of: exact at every depth, from period to period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest

from ecom_pipeline.insights.formula_reading import read_formula
from ecom_pipeline.insights.formula_table import needed_kpis
from ecom_pipeline.insights.formulas import Piece
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period
from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline_tests.sandbox.oracle_shop import paris

KPI = "ltv_to_cac"
LAST = date(2026, 11, 22)  # a Sunday
FIRST = LAST - timedelta(days=519)
Rows = dict[date, Fraction]


@pytest.fixture(scope="module", params=[1, 2, 3])
def shop(request: pytest.FixtureRequest) -> Iterator[tuple[duckdb.DuckDBPyConnection, Rows]]:
    """The tables as the shop's own events make them, and LTV / CAC of each day, exactly."""
    made = generate_shop(request.param, FIRST, LAST, orders_per_day=4)
    oracle = Oracle(made, shop_costs(4), paris("2026-11-23 06:00"))
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA kpi;
            CREATE TABLE kpi.daily (kpi VARCHAR, day DATE, dimension VARCHAR, segment VARCHAR,
                numerator DECIMAL(38, 4), denominator DECIMAL(38, 4), covered DECIMAL(38, 4),
                coverable DECIMAL(38, 4), low DECIMAL(38, 4), high DECIMAL(38, 4));
            CREATE TABLE kpi.days (kpi VARCHAR, day DATE, state VARCHAR, reason VARCHAR);
            """
        )
        for key in needed_kpis(KPI):
            cuts, sums = zip(*oracle.compute(key).items(), strict=True)
            days, dimensions, segments = zip(*cuts, strict=True)
            above, below = (pa.array(column, pa.decimal128(38, 4)) for column in zip(*sums, strict=True))
            rows = pa.table([days, dimensions, segments, above, below], names=list("abcde"))
            connection.register("rows", rows)
            connection.execute(
                "INSERT INTO kpi.daily (kpi, day, dimension, segment, numerator, denominator) "
                "SELECT ?, * FROM rows",
                [key],
            )
            connection.execute(
                "INSERT INTO kpi.days SELECT ?, ?::DATE + CAST(d.day AS INTEGER), 'complete', NULL "
                "FROM RANGE(520) AS d(day)",
                [key, FIRST],
            )
        values = {
            day: Fraction(above) / Fraction(below)
            for (day, dimension, _), (above, below) in oracle.compute(KPI).items()
            if dimension == "total" and below
        }
        yield connection, values


def all_of(piece: Piece) -> list[Piece]:
    return [piece, *(one for child in piece.pieces for one in all_of(child))]


@pytest.mark.parametrize("back", [7, 28, 91])
def test_the_parts_add_up_to_the_change_exactly(
    back: int, shop: tuple[duckdb.DuckDBPyConnection, Rows]
) -> None:
    connection, values = shop
    before = LAST - timedelta(days=back)
    found = read_formula(connection, kpis(), KPI, Period.WEEK, (before, LAST), Decimal(0))
    assert found is not None
    assert found.effect == values[LAST] - values[before] != 0
    assert [one.key for one in found.pieces] == ["lifetime_value", "customer_acquisition_cost"]
    parts = {one.key: one for one in all_of(found)}
    assert {"cohort_contribution", "cohort_customers", "marketing_cost", "new_customers"} <= set(parts)
    for piece in all_of(found):
        if piece.pieces:
            assert sum((one.effect for one in piece.pieces), Fraction(0)) == piece.effect, piece.key
    value, cost = (parts[key] for key in ("lifetime_value", "customer_acquisition_cost"))
    assert value.before / cost.before == values[before] and value.after / cost.after == values[LAST]
