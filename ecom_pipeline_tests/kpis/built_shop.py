"""A shop read over HTTP and computed once, beside the oracle that knows its truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from ecom_pipeline.kpis.definition import Kind, Kpi, kpis
from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline.sandbox.oracle import Oracle
from ecom_pipeline.warehouse.catalog import kpi_node, read_models
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import LAST_DAY, simulate

Key = tuple[date, str, str]
Pair = tuple[Decimal | None, Decimal | None]
ZERO = Decimal(0)

# What is fitted is no sum of events: an oracle of its own judges it (test_predicted_value.py).
FITTED = {node.name for node in read_models() if node.computed_by is not None}
ESTIMATED = {key for key, kpi in kpis().items() if FITTED.intersection(kpi_node(kpi).inputs)}
JUDGED = sorted(
    set(kpis()) - ESTIMATED - {"data_freshness"}
)  # freshness is about the run, not about the shop


@dataclass(frozen=True)
class Recipe:
    """What kind of shop to build."""

    seed: int
    days: int
    orders_per_day: float
    last_day: date = LAST_DAY


RECIPES = {
    "fourteen months": Recipe(7, 426, 3),  # windows of a year, well filled
    "ten weeks": Recipe(8, 70, 12),
    "two years": Recipe(9, 800, 0.5, date(2026, 4, 12)),  # windows of two years, both changes of the clock
}


@dataclass(frozen=True)
class BuiltShop:
    """The warehouse of a shop, ready for questions, and its oracle."""

    connection: duckdb.DuckDBPyConnection
    oracle: Oracle
    first_day: date
    last_day: date
    sources: tuple[str, ...]  # what it reads

    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]

    def days_read(self, kpi: Kpi) -> list[date]:
        """The days a history read at once tells of: of what is but a state, the newest."""
        days = self.days()
        return days[-1:] if kpi.snapshots else days[kpi.young_until : len(days) - kpi.matures_after]

    def is_read(self, kpi: Kpi, first_day: date, last_day: date) -> bool:
        """Whether a period's value rests on no day of which nothing can be told."""
        needed = last_day if kpi.cuts_itself else first_day
        return not kpi.snapshots or needed >= self.last_day

    def complete_days(self, key: str) -> set[date]:
        rows = self.connection.execute(
            "SELECT day FROM kpi.days WHERE kpi = ? AND state = 'complete'", [key]
        ).fetchall()
        return {day for (day,) in rows}

    def figures(self, key: str) -> dict[Key, Pair]:
        """What the warehouse says of a KPI on the days it shows."""
        rows = self.connection.execute(
            """SELECT day, dimension, segment, numerator, denominator FROM kpi.daily
               JOIN kpi.days USING (kpi, day) WHERE kpi = ? AND state = 'complete'""",
            [key],
        ).fetchall()
        return keyed(rows)


def keyed(rows: Iterable[tuple[date, str, str, Decimal | None, Decimal | None]]) -> dict[Key, Pair]:
    found: dict[Key, Pair] = {}
    for day, dimension, segment, numerator, denominator in rows:
        assert (day, dimension, segment) not in found, f"two rows for {day}, {dimension} {segment}"
        found[day, dimension, segment] = (numerator, denominator)
    return found


def differences(
    kpi: Kpi, wanted: Mapping[Key, Pair], found: Mapping[Key, Pair]
) -> list[tuple[Key, Pair | None, Pair | None]]:
    """Where the warehouse and the oracle disagree.

    A flow or ratio without a row is one on which nothing happened; a snapshot or window without one is
    undefined, which zero is not.
    """
    blank: Pair | None = None if kpi.kind in (Kind.SNAPSHOT, Kind.WINDOW) else (ZERO, ZERO)
    return [
        (key, wanted.get(key), found.get(key))
        for key in sorted(wanted.keys() | found.keys())
        if _exact(wanted.get(key, blank)) != _exact(found.get(key, blank))
    ]


def _exact(pair: Pair | None) -> Pair | None:
    return None if pair is None else (pair[0] or ZERO, pair[1] or ZERO)


@contextmanager
def build_shop(folder: Path, recipe: Recipe) -> Iterator[BuiltShop]:
    """Generate, serve, extract and compute; the connection stays open for questions."""
    with simulate(
        folder,
        seed=recipe.seed,
        days=recipe.days,
        orders_per_day=recipe.orders_per_day,
        last_day=recipe.last_day,
        business=GROUP,
    ) as simulation:
        simulation.run()
    with open_warehouse(simulation.warehouse) as connection:
        yield BuiltShop(
            connection,
            simulation.oracle(),
            simulation.shop.first_day,
            simulation.shop.last_day,
            tuple(simulation.pipeline.sources),
        )
