"""Reads from the KPI tables what a formula's change is told by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb

from ecom_pipeline.insights.drivers import Parts
from ecom_pipeline.insights.formula_table import Numbers, explain_formula, formula_table, needed_kpis
from ecom_pipeline.insights.formulas import Piece
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import TOTAL, Period, State, Value, read_period_values

_Cuts = dict[tuple[str, str], Value]


def read_formula(
    connection: duckdb.DuckDBPyConnection,
    kpis: Mapping[str, Kpi],
    kpi: str,
    period: Period,
    last_days: tuple[date, date],
    minimum_coverage: Decimal,
) -> Piece | None:
    """How the KPI's change from the period ending with the first to that ending with the second day came about.

    None without a formula, where a part is not measured, withheld or still growing, and where the parts do not make
    the KPI exactly. Reads `kpi.daily` and `kpi.days`.
    """
    needed = needed_kpis(kpi)
    if not needed or not needed <= set(kpis):
        return None
    length = Period.ROLLING_365 if kpi in formula_table().over_year else period
    chosen = [kpis[key] for key in sorted(needed)]
    cuts: dict[str, dict[date, _Cuts]] = {key: {} for key in needed}
    for value in read_period_values(connection, chosen, length, last_days, minimum_coverage):
        cuts[value.kpi].setdefault(value.last_day, {})[value.dimension, value.segment] = value.current
    numbers = {key: _numbers([cuts[key][day] for day in last_days]) for key in needed}
    return explain_formula(kpi, {key: one for key, one in numbers.items() if one is not None})


def _numbers(cuts: list[_Cuts]) -> Numbers | None:
    before, after = (one[TOTAL] for one in cuts)
    if not (_is_whole(before) and _is_whole(after)):
        return None
    dimensions = {dimension for one in cuts for dimension, _ in one} - {TOTAL[0]}
    segments = {
        dimension: (_parts_of(cuts[0].items(), dimension), _parts_of(cuts[1].items(), dimension))
        for dimension in sorted(dimensions)
    }
    return Numbers(_parts(before), _parts(after), segments)


def _is_whole(value: Value) -> bool:
    return value.state is State.OK and not value.days_provisional


def _parts_of(cuts: Iterable[tuple[tuple[str, str], Value]], dimension: str) -> dict[str, Parts]:
    return {
        segment: _parts(value)
        for (name, segment), value in cuts
        if name == dimension and value.numerator is not None
    }


def _parts(value: Value) -> Parts:
    denominator = Fraction(value.denominator) if value.denominator is not None else None
    return Parts(Fraction(value.numerator or Decimal(0)), denominator)
