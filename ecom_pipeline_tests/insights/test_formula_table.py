"""Formulas as declared: every name exists, and the parts make the KPIs of a simulated shop exactly."""

from __future__ import annotations

import ast
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest

from ecom_pipeline.insights.drivers import Parts
from ecom_pipeline.insights.formula_reading import read_formula
from ecom_pipeline.insights.formula_table import (
    MOST_DEPTH,
    MOST_SEGMENTS,
    OTHERS,
    Numbers,
    explain_formula,
    formula_table,
    needed_kpis,
)
from ecom_pipeline.insights.formulas import Piece
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.kpis.values import Period, State, read_period_values
from ecom_pipeline_tests.simulation import Simulation

WEEK = timedelta(days=7)


def names_in(expression: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


def depth_of(piece: Piece) -> int:
    return 0 if piece.dimension or not piece.pieces else 1 + max(depth_of(one) for one in piece.pieces)


def all_of(piece: Piece) -> list[Piece]:
    return [piece, *(one for child in piece.pieces for one in all_of(child))]


def test_every_name_of_a_formula_is_a_kpi_or_a_part_that_is_used() -> None:
    table = formula_table()
    formulas = [*table.formula.values(), *(part.formula for part in table.part.values() if part.formula)]
    used = {name for one in formulas for name in names_in(one)}
    assert used <= {*kpis(), *table.part}
    assert set(table.part) <= used
    assert not set(table.part) & set(kpis()), "a part must not hide a KPI"
    assert set(table.formula) <= set(kpis()) and set(table.over_year) <= set(table.formula)
    for key, part in table.part.items():
        assert (part.formula is None) != (part.sums is None), key
        assert names_in(part.sums or "") <= set(kpis()), key
        assert part.fr and part.en, key


def flow(before: int, after: int, **channels: tuple[int, int]) -> Numbers:
    cuts = tuple({name: Parts(Fraction(both[place])) for name, both in channels.items()} for place in (0, 1))
    return Numbers(
        Parts(Fraction(before)),
        Parts(Fraction(after)),
        {"channel": (cuts[0], cuts[1])} if channels else {},
    )


def ratio(before: tuple[int, int], after: tuple[int, int]) -> Numbers:
    then, now = (Parts(Fraction(above), Fraction(below)) for above, below in (before, after))
    return Numbers(then, now)


def test_acquisition_cost_by_hand() -> None:
    """1200 / 60 = 20 became 1500 / 50 = 30: 300 more spent, and ten customers fewer, all of them from ads."""
    found = explain_formula(
        "customer_acquisition_cost",
        {
            "customer_acquisition_cost": ratio((1200, 60), (1500, 50)),
            "new_customers": flow(60, 50, ads=(40, 30), mail=(20, 20)),
        },
    )
    assert found is not None and found.effect == 10
    cost, customers = found.pieces
    assert (
        cost.key == "marketing_cost"
        and cost.effect == Fraction(300) * (Fraction(1, 60) + Fraction(1, 50)) / 2
    )
    assert customers.effect == 10 - cost.effect
    assert (customers.dimension, [(one.key, one.effect) for one in customers.pieces]) == (
        "channel",
        [("ads", customers.effect), ("mail", 0)],
    )


def test_a_ratio_below_a_formula_is_split_into_the_segments_that_moved_it() -> None:
    numbers = {
        "ltv_to_cac": ratio((3000 * 60, 30 * 1200), (3000 * 50, 30 * 1500)),
        "lifetime_value": ratio((3000, 30), (3000, 30)),
        "customer_acquisition_cost": ratio((1200, 60), (1500, 50)),
        "new_customers": flow(60, 50),
    }
    found = explain_formula("ltv_to_cac", numbers)
    assert found is not None and found.effect == Fraction(100, 30) - 5
    value, cost = found.pieces
    assert value.effect == 0 and cost.effect == found.effect
    assert {one.key for one in value.pieces} == {"cohort_contribution", "cohort_customers"}
    assert sum((one.effect for one in cost.pieces), Fraction(0)) == cost.effect


def test_what_does_not_make_the_kpi_or_is_not_known_is_not_told() -> None:
    cost, customers = ratio((1200, 60), (1500, 50)), flow(60, 50)
    explain = {"customer_acquisition_cost": cost, "new_customers": customers}
    assert explain_formula("customer_acquisition_cost", explain) is not None
    assert explain_formula("customer_acquisition_cost", {"customer_acquisition_cost": cost}) is None
    assert explain_formula("customer_acquisition_cost", explain | {"new_customers": flow(60, 49)}) is None
    assert explain_formula("cash_balance", explain) is None
    nobody = {"customer_acquisition_cost": ratio((1200, 60), (1500, 0)), "new_customers": flow(60, 0)}
    assert explain_formula("customer_acquisition_cost", nobody) is None


@pytest.mark.parametrize("kpi", formula_table().formula)
def test_the_parts_make_the_simulated_kpi(
    kpi: str, asked: Simulation, warehouse: duckdb.DuckDBPyConnection
) -> None:
    last = asked.shop.last_day
    days, least = (last - WEEK, last), Decimal("0.5")
    values = {
        one.last_day: one.current
        for one in read_period_values(warehouse, [kpis()[kpi]], Period.WEEK, days, least)
        if one.dimension == "total"
    }
    if any(values[day].state is not State.OK for day in days):
        pytest.skip(f"{kpi} is {values[last].state} in the simulated shop")
    found = read_formula(warehouse, kpis(), kpi, Period.WEEK, days, least)
    assert found is not None
    before, after = (_exact(values[day].numerator, values[day].denominator) for day in days)
    assert found.effect == after - before
    assert 1 <= depth_of(found) <= MOST_DEPTH
    for piece in all_of(found):
        if piece.pieces:
            assert sum((one.effect for one in piece.pieces), Fraction(0)) == piece.effect
            assert not piece.dimension or len(piece.pieces) <= MOST_SEGMENTS + 1
    assert not any(one.key == OTHERS and one.pieces for one in all_of(found))


def test_segments_stand_below_the_parts(asked: Simulation, warehouse: duckdb.DuckDBPyConnection) -> None:
    last = asked.shop.last_day
    found = read_formula(warehouse, kpis(), "net_sales", Period.WEEK, (last - WEEK, last), Decimal(0))
    assert found is not None
    told = {one.key: one for one in all_of(found)}
    assert told["conversion_rate"].dimension in ("channel", "device", "country")
    assert told["sessions"].dimension in ("channel", "device", "country")


def test_what_is_needed_reaches_through_the_parts() -> None:
    assert {"lifetime_value", "customer_acquisition_cost", "new_customers"} < needed_kpis("ltv_to_cac")
    assert "gross_margin_rate" in needed_kpis("net_margin_rate")
    assert needed_kpis("cash_balance") == frozenset()


def _exact(numerator: Decimal | None, denominator: Decimal | None) -> Fraction:
    assert numerator is not None
    return Fraction(numerator) / (Fraction(denominator) if denominator is not None else 1)
