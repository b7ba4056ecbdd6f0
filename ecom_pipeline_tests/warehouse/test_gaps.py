"""A vendor's return fills the gap it left: the first load of the newest day takes in the days just before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.pipeline import LONGEST_GAP
from ecom_pipeline.sources.contract import Change
from ecom_pipeline_tests.simulation import Simulation, simulate

DAYS = 24
GAP = (21, 22, 23)
UNREAD = """
SELECT DISTINCT day FROM kpi.days
WHERE state = 'missing' AND reason NOT LIKE 'no source%' AND NOT LIST_CONTAINS(?, kpi)
ORDER BY day
"""  # the past of what is told of now only stays missing
OF_NOW = [key for key, kpi in kpis().items() if kpi.snapshots]


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Twenty days read morning by morning's end, three on which no vendor answered, and one that was read."""
    with simulate(tmp_path_factory.mktemp("gap"), seed=23, days=DAYS, orders_per_day=5) as simulation:
        simulation.set_day(nth(simulation, 20))
        simulation.run(last_day=nth(simulation, 20))
        simulation.set_day(nth(simulation, 23))
        simulation.compute(nth(simulation, 23), nth(simulation, 23))
        assert simulation.query(UNREAD, [OF_NOW]) == [(nth(simulation, number),) for number in GAP]
        simulation.set_day(nth(simulation, 24))
        simulation.run(nth(simulation, 24), nth(simulation, 24))
        yield simulation


def nth(simulation: Simulation, number: int) -> date:
    return simulation.shop.first_day + timedelta(days=number - 1)


def loaded_days(simulation: Simulation, source: str, table: str) -> list[date]:
    rows = simulation.query(
        "SELECT day FROM ops.loaded_days WHERE source = ? AND table_name = ? ORDER BY day", [source, table]
    )
    return [day for (day,) in rows]


def test_every_table_but_snapshots_has_the_missed_days(returned: Simulation) -> None:
    every_day = [nth(returned, number) for number in range(1, DAYS + 1)]
    snapshots = 0
    for source in returned.pipeline.sources:
        for table in returned.pipeline.tables(source):
            if table.change is Change.SNAPSHOT:
                snapshots += 1
                assert loaded_days(returned, source, table.name) == [every_day[19], every_day[23]]
            else:
                found = loaded_days(returned, source, table.name)
                assert [day for day in found if day >= every_day[0]] == every_day, (source, table.name)
    assert snapshots


def test_the_missed_days_are_complete_and_equal_the_oracle(returned: Simulation) -> None:
    assert returned.query(UNREAD, [OF_NOW]) == []
    oracle = returned.oracle()
    nothing = (Decimal(0), Decimal(0))
    shown = 0
    for key in set(oracle.kpis()) - {"data_freshness"}:
        rows = returned.query(
            """SELECT day, dimension, segment, numerator, denominator FROM kpi.daily JOIN kpi.days USING (kpi, day)
               WHERE kpi = ? AND state = 'complete' AND day BETWEEN ? AND ?""",
            [key, nth(returned, GAP[0]), nth(returned, GAP[-1])],
        )
        complete = {
            day
            for (day,) in returned.query(
                "SELECT day FROM kpi.days WHERE kpi = ? AND state = 'complete'", [key]
            )
        } & {nth(returned, number) for number in GAP}
        found = {row[:3]: (row[3] or Decimal(0), row[4] or Decimal(0)) for row in rows}
        wanted: dict[Any, Any] = {
            cut: (pair[0] or Decimal(0), pair[1] or Decimal(0))
            for cut, pair in oracle.compute(key).items()
            if cut[0] in complete
        }
        for cut in found.keys() | wanted.keys():
            assert found.get(cut, nothing) == wanted.get(cut, nothing), (key, cut)
        shown += bool(complete)
    assert shown > 20


def test_what_came_late_is_not_on_time(returned: Simulation) -> None:
    rows = returned.query(
        "SELECT day, is_complete, is_on_time FROM ops.source_days WHERE source = 'shop' AND day >= ? ORDER BY day",
        [nth(returned, 20)],
    )
    assert rows == [(nth(returned, number), True, number not in GAP) for number in range(20, DAYS + 1)]


def reach(simulation: Simulation, first: date, last: date, history_start: date | None = None) -> date:
    """The first day that the window of the shop's orders gets."""
    pipeline = simulation.pipeline
    (orders,) = (table for table in pipeline.tables("shop") if table.name == "orders")
    if history_start is not None:
        shop = pipeline.settings.shop.model_copy(update={"history_start": history_start})
        pipeline = type(pipeline)(pipeline.settings.model_copy(update={"shop": shop}), pipeline.clock)
    return pipeline._with_missed_days("shop", orders, pipeline.window(first, last)).first_day


def test_how_far_back_it_reaches(returned: Simulation) -> None:
    last = nth(returned, DAYS)
    assert reach(returned, last, last) == last, "no gap"
    for later, wanted in (
        (last + timedelta(days=5), last + timedelta(days=1)),
        (last + timedelta(days=60), None),
    ):
        returned.set_day(later)
        assert reach(returned, later, later) == (wanted or later - timedelta(days=LONGEST_GAP))
    eve = later - timedelta(days=1)
    assert reach(returned, eve, eve) == eve, "a window that ends before the newest day is what was asked"
    assert reach(returned, later, later, later - timedelta(days=3)) == later - timedelta(days=3)
    first = returned.shop.first_day
    assert reach(returned, first, later) == first, "nothing was loaded before"
    returned.set_day(last)
