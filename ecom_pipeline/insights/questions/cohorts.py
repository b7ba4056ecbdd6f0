"""What became of each month's new customers: who came back, what they earned, and when they had paid for themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import duckdb

from ecom_pipeline.insights.questions.question import Answer, Cell, Column, Part, unmeasured_days

MOST_COHORTS = 13  # a year of them, and the one that is a year old
RETAINED, EARNED = (1, 2, 3, 6, 12), (0, 3, 6, 12)  # months later
JUDGED = 3  # months after which cohorts are compared
# A cell is told once its month is over; a payback once the month's last newcomers lived through it.
CELLS = """
SELECT c.day AS month, c.segment AS segment, c.months_later AS months_later, c.customers AS customers,
    c.active_customers AS active_customers, c.contribution AS contribution, c.acquisition_cost AS acquisition_cost,
    CASE WHEN p.payback_days <= CAST($last AS DATE) + 1 - CAST(c.day + TO_MONTHS(1) AS DATE) THEN p.payback_days END
        AS payback_days
FROM model.cohort_months AS c
LEFT JOIN model.cohort_paybacks AS p USING (day, dimension, segment)
WHERE c.dimension = $dimension
    AND c.day + TO_MONTHS(CAST(c.months_later AS INTEGER) + 1) <= CAST($last AS DATE) + 1
ORDER BY c.day, c.segment, c.months_later
"""


@dataclass
class Cohort:
    """Those who first bought in a month; `active` and `earned` by months later, as far as these are over."""

    customers: int
    cost: Decimal | None
    payback_days: int | None
    active: dict[int, int] = field(default_factory=dict)
    earned: dict[int, Decimal] = field(default_factory=dict)


def read_cells(
    connection: duckdb.DuckDBPyConnection, dimension: str, last_day: date
) -> dict[str, dict[date, Cohort]]:
    """The cohorts by segment and month, as they were known at the end of a day."""
    found: defaultdict[str, dict[date, Cohort]] = defaultdict(dict)
    rows = connection.execute(CELLS, {"dimension": dimension, "last": last_day}).fetchall()
    for month, segment, later, customers, active, earned, cost, payback in rows:
        cohort = found[segment].setdefault(month, Cohort(customers, cost, payback))
        cohort.active[later], cohort.earned[later] = active, earned
    return found


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """One row a month, newest first: shares who bought again so many months later, and what each had contributed
    before marketing by then, in the reporting currency. None where no month is over.
    """
    cohorts = read_cells(connection, "total", last_day).get("", {})
    if not cohorts:
        return None
    shown = sorted(cohorts, reverse=True)[:MOST_COHORTS]
    unread = unread_days(connection, shown, last_day)
    old = [one for month, one in cohorts.items() if month in shown and JUDGED in one.active]
    return Answer(
        question="cohorts",
        sentence="told" if old else "young",
        parts={
            "unread": Part("count", Decimal(unread)),
            **(_sums(old) if old else {"months": Part("count", Decimal(JUDGED))}),
        },
        columns=(
            Column("month", "month"), Column("customers", "count"),
            *(Column(f"retained_{later}", "percent") for later in RETAINED),
            *(Column(f"earned_{later}", "money") for later in EARNED),
            Column("cost", "money"), Column("payback", "days"),
        ),
        rows=tuple(_row(month, cohorts[month]) for month in shown),
        others=len(cohorts) - len(shown),
        notes=("unread",) if unread else (),
    )  # fmt: skip


def unread_days(connection: duckdb.DuckDBPyConnection, months: Collection[date], last_day: date) -> int:
    """How many days since the first of these months lack orders or costs, which the months' figures lack then."""
    return len(unmeasured_days(connection, "customer_acquisition_cost", min(months), last_day))


def _sums(cohorts: list[Cohort]) -> dict[str, Part]:
    customers = Decimal(sum(one.customers for one in cohorts))
    return {
        "months": Part("count", Decimal(JUDGED)),
        "customers": Part("count", customers),
        "back": Part("percent", sum(one.active[JUDGED] for one in cohorts) / customers),
        "earned": Part("money", sum((one.earned[JUDGED] for one in cohorts), Decimal(0)) / customers),
        "cost": Part("money", sum((one.cost or Decimal(0) for one in cohorts), Decimal(0)) / customers),
    }


def _row(month: date, cohort: Cohort) -> tuple[Cell, ...]:
    each = Decimal(cohort.customers)
    return (
        month,
        each,
        *(Decimal(cohort.active[later]) / each if later in cohort.active else None for later in RETAINED),
        *(cohort.earned[later] / each if later in cohort.earned else None for later in EARNED),
        None if cohort.cost is None else cohort.cost / each,
        None if cohort.payback_days is None else Decimal(cohort.payback_days),
    )
