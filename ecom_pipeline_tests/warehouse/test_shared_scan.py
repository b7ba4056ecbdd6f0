"""A KPI made of a pass it shares with others has the very rows its own query gives."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.kpis.definition import Kpi, kpis, parse_kpi
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import kpi_rows
from ecom_pipeline.warehouse.rewrite import to_duckdb
from ecom_pipeline.warehouse.shared_scan import plain_parts, share

EXPANSION = Expansion("Europe/Paris")
FIRST = date(2026, 3, 2)
HEADER = """/* ---
name: {{fr: "x", en: "x"}}
definition: {{fr: "x", en: "x"}}
unit: money
kind: {kind}
good: up
dimensions: [{dimensions}]
--- */
"""
LINES = "FROM model.lines AS l JOIN run.days AS d ON d.day = l.day"
PLAIN = {
    "amount": ("flow", "channel, product", f"SELECT l.day AS day, l.channel AS channel, l.product AS product, l.amount AS numerator {LINES}"),
    "sold": ("flow", "channel", f"SELECT l.day AS day, l.channel AS channel, l.amount AS numerator {LINES} WHERE l.kind = 'sale'"),
    "either": ("flow", "channel", f"SELECT l.day AS day, l.channel AS channel, l.amount AS numerator {LINES} WHERE l.kind = 'sale' OR l.kind IS NULL"),
    "counted": ("ratio", "product", f"SELECT l.day AS day, l.product AS product, 1 AS numerator, CASE WHEN l.kind = 'sale' THEN 2 ELSE 0 END AS denominator {LINES}"),
    "known": (
        "ratio", "",
        f"SELECT l.day AS day, l.amount - l.cost AS numerator, l.amount AS denominator, 0 AS covered, l.cost AS coverable {LINES}",
    ),
    "renamed": ("flow", "channel", f"SELECT l.day AS day, CONCAT('x ', l.channel) AS channel, l.amount AS numerator {LINES}"),
    "by_product": ("flow", "product", f"SELECT l.day AS day, l.product AS product, -l.cost AS numerator {LINES} WHERE l.kind = 'sale'"),
    "both": (
        "ratio", "channel",
        f"SELECT l.day AS day, l.channel AS channel, l.amount AS numerator, 0 AS denominator {LINES} WHERE l.kind = 'sale' "
        "UNION ALL SELECT s.day AS day, s.channel AS channel, 0 AS numerator, s.cost AS denominator "
        "FROM model.spending AS s JOIN run.days AS d ON d.day = s.day",
    ),
}  # fmt: skip
ELABORATE = {
    "distinct": f"SELECT DISTINCT l.day AS day, l.amount AS numerator {LINES}",
    "grouped": f"SELECT l.day AS day, SUM(l.amount) AS numerator {LINES} GROUP BY l.day",
    "any_day": "SELECT l.day AS day, l.amount AS numerator FROM model.lines AS l",
    "other_day": "SELECT l.day AS day, l.amount AS numerator FROM model.lines AS l JOIN run.days AS d ON d.day = l.due",
    "window": f"SELECT l.day AS day, SUM(l.amount) OVER (ORDER BY l.day) AS numerator {LINES}",
    "union_of_distinct": f"SELECT l.day AS day, 1 AS numerator {LINES} UNION SELECT l.day AS day, 1 AS numerator {LINES}",
    "with": f"WITH x AS (SELECT l.day AS day, l.amount AS amount {LINES}) SELECT x.day AS day, x.amount AS numerator "
    "FROM x AS x JOIN run.days AS d ON d.day = x.day",
}


def kpi(key: str, kind: str, dimensions: str, sql: str) -> Kpi:
    return parse_kpi(key, "made_up", HEADER.format(kind=kind, dimensions=dimensions) + sql)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lines on twelve days, of which ten are built: empty names, sums that cancel, days without a sale."""
    chance = random.Random(3)
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(
            "CREATE TABLE model.lines (day DATE, due DATE, channel VARCHAR, product VARCHAR, kind VARCHAR, "
            "amount DECIMAL(18, 2), cost DECIMAL(18, 4))"
        )
        connection.execute("CREATE TABLE model.spending (day DATE, channel VARCHAR, cost DECIMAL(18, 4))")
        for n in range(12):
            day = FIRST + timedelta(days=n)
            for _ in range(0 if n == 4 else 30):
                amount = Decimal(chance.randint(-2, 2))
                kind = chance.choice(["sale", "refund", None]) if n != 6 else "refund"
                cost = chance.choice([None, Decimal("0.0001"), Decimal("-0.0001")])
                connection.execute(
                    "INSERT INTO model.lines VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [day, FIRST, chance.choice(["a", "b", "", None]), chance.choice(["p", "q", None]), kind, amount, cost],
                )  # fmt: skip
            connection.execute("INSERT INTO model.spending VALUES (?, 'c', 1), (?, NULL, 2)", [day, day])
        connection.execute(
            "CREATE TABLE run.days AS SELECT DISTINCT day FROM model.spending WHERE day > ?",
            [FIRST + timedelta(days=1)],
        )
        yield connection


def own(connection: duckdb.DuckDBPyConnection, one: Kpi) -> list[tuple[Any, ...]]:
    query = kpi_rows(one, to_duckdb(one.sql, EXPANSION))
    return connection.execute(f"SELECT * FROM ({query}) ORDER BY ALL").fetchall()


def test_shared_rows_are_those_of_each_own_query(connection: duckdb.DuckDBPyConnection) -> None:
    """Whichever KPIs share a pass, in whatever order."""
    everything = [kpi(key, *told) for key, told in PLAIN.items()]
    wanted = {one.key: own(connection, one) for one in everything}
    assert all(wanted.values())
    pairs = itertools.permutations(everything, 2)
    for together in (everything, everything[::-1], *([one] for one in everything), *pairs):
        scans, shared = share([(one, one.sql) for one in together], EXPANSION)
        assert len(shared) == len(together)
        for scan in scans:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {scan.table} AS {scan.query()}")
        for one in shared:
            found = connection.execute(f"SELECT * FROM ({one.query()}) ORDER BY ALL").fetchall()
            assert found == wanted[one.kpi.key], (one.kpi.key, [other.key for other in together])


def test_one_pass_serves_all_that_mean_the_same_by_their_dimensions() -> None:
    chosen = [kpi(key, *PLAIN[key]) for key in ("amount", "sold", "either", "counted", "known")]
    scans, _ = share([(one, one.sql) for one in chosen], EXPANSION)
    assert len(scans) == 1
    scans, _ = share([(one, one.sql) for one in (*chosen, kpi("renamed", *PLAIN["renamed"]))], EXPANSION)
    assert len(scans) == 2


@pytest.mark.parametrize("key", ELABORATE)
def test_a_query_that_is_more_than_sums_runs_by_itself(key: str) -> None:
    one = kpi(key, "flow", "", ELABORATE[key])
    assert plain_parts(one, one.sql, EXPANSION) is None


def test_most_kpis_that_add_up_share() -> None:
    """A KPI file written a little differently would silently cost a pass of its own."""
    plain = {key for key, one in kpis().items() if plain_parts(one, one.sql, EXPANSION)}
    adding = {key for key, one in kpis().items() if not one.cuts_itself}
    assert {"net_sales", "gross_margin_rate", "average_order_value", "conversion_rate", "roas"} <= plain
    assert len(plain) > 0.8 * len(adding)
    for scans in [share([(kpis()[key], kpis()[key].sql) for key in sorted(plain)], EXPANSION)[0]]:
        assert len(scans) < len(plain) / 2
