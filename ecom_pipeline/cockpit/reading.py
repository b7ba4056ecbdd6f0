"""Reads a cockpit's values: every KPI over every grain, in total and by its largest segments.

All values come from `kpis.values`; what is done here is to hand it a small copy of the tables, because reading
two years with every product would take a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa

from ecom_pipeline.cockpit.cockpit import OTHERS, Cut, Grain, Series
from ecom_pipeline.cockpit.periods import last_days, shift_of
from ecom_pipeline.insights.bands import CLOSE, FAR, Band, compute_band
from ecom_pipeline.insights.signals import STEERING
from ecom_pipeline.insights.targets import Target, target_amount, target_value
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.kpis.values import TOTAL, PeriodValue, State, Value, period_bounds, read_period_values

MOST_SEGMENTS = 12
_RECENT_DAYS = 91  # what a segment's size is judged by

# Segments beyond the largest become one that sums them, but only where segments add up to the total: customers
# who bought two products are one customer.
_SEGMENTS = """
CREATE TEMP TABLE cockpit_segments AS
WITH days AS (
    SELECT d.* FROM kpi.daily AS d
    JOIN cockpit_kpis AS k ON k.kpi = d.kpi
    WHERE d.day > $newest - $recent AND d.day <= $newest
), sums AS (
    SELECT kpi, dimension, segment, SUM(numerator) AS top, SUM(COALESCE(denominator, 0)) AS base
    FROM days GROUP BY kpi, dimension, segment
), wholes AS (
    SELECT kpi, dimension, SUM(top) AS top, SUM(base) AS base,
        SUM(ABS(top)) AS all_top, SUM(ABS(base)) AS all_base
    FROM sums GROUP BY kpi, dimension
)
SELECT s.kpi, s.dimension, s.segment,
    ROW_NUMBER() OVER (
        PARTITION BY s.kpi, s.dimension
        ORDER BY GREATEST(
            COALESCE(CAST(ABS(s.top) AS DOUBLE) / NULLIF(w.all_top, 0), 0),
            COALESCE(CAST(ABS(s.base) AS DOUBLE) / NULLIF(w.all_base, 0), 0)
        ) DESC, s.segment
    ) AS place,
    COUNT(*) OVER (PARTITION BY s.kpi, s.dimension) AS number,
    w.top IS NOT DISTINCT FROM t.top AND w.base IS NOT DISTINCT FROM t.base AS adds_up
FROM sums AS s
JOIN wholes AS w ON w.kpi = s.kpi AND w.dimension = s.dimension
LEFT JOIN wholes AS t ON t.kpi = s.kpi AND t.dimension = 'total'
WHERE s.dimension <> 'total'
"""
_CUT_ROWS = """
SELECT d.kpi, d.day, d.dimension,
    CASE WHEN s.place <= $most THEN d.segment ELSE $others END AS segment,
    SUM(d.numerator) AS numerator, SUM(d.denominator) AS denominator,
    SUM(d.covered) AS covered, SUM(d.coverable) AS coverable,
    MAX(CASE WHEN s.place <= $most THEN d.low END) AS low, MAX(CASE WHEN s.place <= $most THEN d.high END) AS high
FROM kpi.daily AS d
JOIN cockpit_kpis AS k ON k.kpi = d.kpi
LEFT JOIN cockpit_segments AS s ON s.kpi = d.kpi AND s.dimension = d.dimension AND s.segment = d.segment
LEFT JOIN (SELECT DISTINCT kpi, dimension, adds_up FROM cockpit_segments) AS c
    ON c.kpi = d.kpi AND c.dimension = d.dimension
WHERE d.dimension <> 'total' AND (s.place <= $most OR c.adds_up)
GROUP BY ALL
"""
_TOTAL_ROWS = """
SELECT d.* FROM kpi.daily AS d JOIN cockpit_kpis AS k ON k.kpi = d.kpi WHERE d.dimension = 'total'
"""
_OTHERS = """
SELECT kpi, dimension, CAST(COUNT(*) - $most AS INTEGER) FROM cockpit_segments
GROUP BY kpi, dimension HAVING COUNT(*) > $most AND BOOL_AND(adds_up)
"""


@contextmanager
def small_copies(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], newest_day: date
) -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection, dict[tuple[str, str], int]]]:
    """The totals alone, the segments alone (the largest, and one for the rest), and how many the rest is."""
    connection.register("cockpit_kpis", pa.table({"kpi": [kpi.key for kpi in kpis]}))
    with duckdb.connect() as totals, duckdb.connect() as cuts:
        try:
            connection.execute(_SEGMENTS, {"newest": newest_day, "recent": _RECENT_DAYS})
            _copy(connection, totals, _TOTAL_ROWS, {})
            _copy(connection, cuts, _CUT_ROWS, {"most": MOST_SEGMENTS, "others": OTHERS})
            rest = connection.execute(_OTHERS, {"most": MOST_SEGMENTS}).fetchall()
        finally:
            connection.execute("DROP TABLE IF EXISTS temp.cockpit_segments")
            connection.unregister("cockpit_kpis")
        yield totals, cuts, {(kpi, dimension): number for kpi, dimension, number in rest}


def _copy(
    source: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection, rows: str, names: dict[str, object]
) -> None:
    target.execute("CREATE SCHEMA kpi")
    days = "SELECT s.* FROM kpi.days AS s JOIN cockpit_kpis AS k ON k.kpi = s.kpi"
    for table, query, parameters in (("daily", rows, names), ("days", days, {})):
        target.register("incoming", source.sql(query, params=parameters).to_arrow_table())
        target.execute(f"CREATE TABLE kpi.{table} AS FROM incoming")
        target.unregister("incoming")


def read_grain(
    totals: duckdb.DuckDBPyConnection,
    cuts: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    grain: Grain,
    newest_day: date,
    targets: Mapping[str, tuple[Target, ...]],
    essentials: Sequence[str],
    minimum_coverage: Decimal,
) -> dict[str, Series]:
    """Every KPI's series over one grain."""
    shifts = {kpi.key: shift_of(kpi, grain) for kpi in kpis}
    # The band of a KPI that is told later is learned from as many periods as any other's.
    more = {one[0]: one[0] if grain.cadence else 0 for one in shifts.values()}
    ends = last_days(grain, newest_day, max(more.values(), default=0))
    places: dict[str, dict[Cut, dict[int, Value]]] = {kpi.key: {TOTAL: {}} for kpi in kpis}
    for shift in sorted(more):
        members = [kpi for kpi in kpis if shifts[kpi.key][0] == shift]
        for database, wanted in (
            (totals, ends[: grain.shown + more[shift]]),
            (cuts, ends[shift : shift + grain.cut]),
        ):
            for found in read_period_values(database, members, grain.period, wanted, minimum_coverage):
                cut = (found.dimension, found.segment)
                if (cut == TOTAL) == (database is totals):
                    known = places[found.kpi].setdefault(cut, {})
                    _place(known, found, ends.index(found.last_day), grain.year)
    length = max(grain.shown + 1, grain.shown + grain.year)
    return {
        kpi.key: Series(
            {
                cut: tuple(known.get(place) for place in range(length))
                for cut, known in places[kpi.key].items()
            },
            tuple(_target(kpi, targets.get(kpi.key, ()), grain, end) for end in ends[: grain.shown]),
            shifts[kpi.key],
            _newest_band(kpi, grain, places[kpi.key][TOTAL], shifts[kpi.key][0], essentials),
        )
        for kpi in kpis
    }


def _place(known: dict[int, Value], found: PeriodValue, place: int, year: int) -> None:
    known[place] = found.current
    known[place + 1] = found.previous
    known[place + year] = found.previous_year


def _target(kpi: Kpi, targets: Sequence[Target], grain: Grain, end: date) -> Decimal | None:
    if kpi.kind is Kind.FLOW:
        return target_amount(targets, *period_bounds(grain.period, end))
    return target_value(targets, end)


def _newest_band(
    kpi: Kpi, grain: Grain, known: Mapping[int, Value], place: int, essentials: Sequence[str]
) -> Band | None:
    """What the report expects of the period: judged as closely, learned from the same periods."""
    if grain.cadence is None:
        return None
    furthest = place + grain.cadence.history
    history = [known[back] for back in sorted(known, reverse=True) if place < back <= furthest]
    width = CLOSE if kpi.key in (*STEERING, *essentials) else FAR
    values = [value.value if value.state is State.OK else None for value in history]
    return compute_band(values, kpi.minimum, kpi.maximum, width, grain.cadence)
