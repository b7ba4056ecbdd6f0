"""Which first channel, country and product brought the customers who come back and earn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import duckdb

from ecom_pipeline.insights.questions.cohorts import (
    JUDGED,
    MOST_COHORTS,
    Cohort,
    read_cells,
    unread_days,
)
from ecom_pipeline.insights.questions.question import Answer, Column, Part, Segment

DIMENSIONS = ("channel", "country", "product")
MOST_ROWS = 5  # of each
LEAST_CUSTOMERS = 20  # fewer, and a share of them means nothing


def answer(connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
    """Customers of the last year's months that have `JUDGED` months behind them, by the segment of their first order.

    Shares who bought again in the third month after, what each had contributed before marketing by its end, and, by
    channel, what each cost. The most customers first. None where no month is old enough.
    """
    months = read_cells(connection, "total", last_day).get("", {})
    everyone = list(_old(months))
    if not everyone:
        return None
    unread = unread_days(connection, sorted(months, reverse=True)[:MOST_COHORTS], last_day)
    rows: list[_Row] = []
    others = 0
    for dimension in DIMENSIONS:
        cells = read_cells(connection, dimension, last_day)
        told = [
            _row(Segment(dimension, name), old)
            for name, cohorts in cells.items()
            if (old := list(_old(cohorts))) and sum(one.customers for one in old) >= LEAST_CUSTOMERS
        ]
        told.sort(key=lambda row: (-row.customers, row.segment))
        rows += told[:MOST_ROWS]
        others += len(told[MOST_ROWS:])
    whole = _row(Segment("", ""), everyone)
    channels = [row for row in rows if row.segment.dimension == "channel"]
    parts = {
        "back": Part("percent", whole.back),
        "earned": Part("money", whole.earned),
        "unread": Part("count", Decimal(unread)),
    }
    if channels:
        best = max(channels, key=lambda row: row.earned)
        parts |= {"best": Part("text", best.segment), "most": Part("money", best.earned)}
    return Answer(
        question="cohort_segments",
        sentence="told" if channels else "few",
        parts=parts,
        columns=(
            Column("by", "label"), Column("segment", "text"), Column("customers", "count"),
            Column("back", "percent"), Column("earned", "money"), Column("cost", "money"),
        ),
        rows=tuple((row.segment.dimension, *row) for row in rows),
        others=others,
        notes=("unread",) if unread else (),
    )  # fmt: skip


class _Row(NamedTuple):
    segment: Segment
    customers: Decimal
    back: Decimal
    earned: Decimal
    cost: Decimal | None


def _old(cohorts: dict[date, Cohort]) -> Iterator[Cohort]:
    """The last year's months that have `JUDGED` months behind them."""
    for month in sorted(cohorts, reverse=True)[:MOST_COHORTS]:
        if JUDGED in cohorts[month].active:
            yield cohorts[month]


def _row(segment: Segment, cohorts: list[Cohort]) -> _Row:
    customers = Decimal(sum(one.customers for one in cohorts))
    costs = [one.cost for one in cohorts if one.cost is not None]
    return _Row(
        segment,
        customers,
        sum(one.active[JUDGED] for one in cohorts) / customers,
        sum((one.earned[JUDGED] for one in cohorts), Decimal(0)) / customers,
        sum(costs, Decimal(0)) / customers if costs else None,
    )
