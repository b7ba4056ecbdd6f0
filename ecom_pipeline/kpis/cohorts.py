"""The customers of each month, as readers look at them: who came back, what they earned, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import duckdb

DIMENSIONS = ("total", "channel", "country", "product")


@dataclass(frozen=True)
class Cohort:
    """Those who first bought in a month. Lists begin with that month and end with the last that is over."""

    month: date
    segment: str
    customers: int
    acquisition_cost: Decimal | None  # per customer; None where marketing cannot be told apart
    payback_days: int | None
    retention: tuple[Decimal, ...]  # share of the customers who bought in each month
    contribution: tuple[Decimal, ...]  # per customer, before marketing, up to each month's end


def read_cohorts(
    connection: duckdb.DuckDBPyConnection, dimension: str = "total", segment: str | None = None
) -> Sequence[Cohort]:
    """The cohorts of a dimension (or of one of its segments), oldest first, from model.cohort_months."""
    rows = connection.execute(
        """
        SELECT c.day, c.segment, c.months_later, c.customers, c.active_customers, c.contribution,
               c.acquisition_cost, p.payback_days
        FROM model.cohort_months AS c
        LEFT JOIN model.cohort_paybacks AS p USING (day, dimension, segment)
        WHERE c.dimension = ? AND (? IS NULL OR c.segment = ?)
        ORDER BY c.day, c.segment, c.months_later
        """,
        [dimension, segment, segment],
    ).fetchall()
    found: dict[tuple[date, str], list[_Cell]] = {}
    for month, name, _, *cell in rows:
        found.setdefault((month, name), []).append(_Cell(*cell))
    return [_cohort(month, name, cells) for (month, name), cells in found.items()]


class _Cell(NamedTuple):
    customers: int
    active_customers: int
    contribution: Decimal
    acquisition_cost: Decimal | None
    payback_days: int | None


def _cohort(month: date, segment: str, cells: Sequence[_Cell]) -> Cohort:
    first = cells[0]
    cost = None if first.acquisition_cost is None else first.acquisition_cost / first.customers
    return Cohort(
        month,
        segment,
        first.customers,
        cost,
        first.payback_days,
        tuple(Decimal(cell.active_customers) / first.customers for cell in cells),
        tuple(cell.contribution / first.customers for cell in cells),
    )
