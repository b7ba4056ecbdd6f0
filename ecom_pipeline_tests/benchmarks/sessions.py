"""Website sessions by the hundred million: a log of one row a session, such as a shop's own, made with SQL.

The product stores traffic by day, channel, device and country; a shop that logs its sessions itself feeds them
through a mapping that counts them so. What is measured is that counting, and the website's cubes on top of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.shared_scan import share
from ecom_pipeline_tests.benchmarks.made_up_shop import LAST_DAY, ZONE
from ecom_pipeline_tests.benchmarks.rows import Row, best, scan

DAYS = 1096
COUNTED = (
    "day",
    "channel",
    "device",
    "country",
    "seconds",
    "is_engaged",
    "has_cart",
    "has_checkout",
    "has_purchase",
)

_LOG = """
CREATE TABLE log AS
SELECT CAST(DATE '{last_day}' - INTERVAL '1' DAY * CAST({days} - 1 - i * {days} // {sessions} AS INTEGER) AS DATE) AS day,
    ['Paid Search', 'Paid Shopping', 'Organic Search', 'Direct', 'Email', 'Paid Social', 'Organic Social',
     'Affiliates', 'Referral', 'Display'][1 + CAST(h % 10 AS INTEGER)] AS channel,
    ['mobile', 'mobile', 'desktop', 'tablet'][1 + CAST(h // 16 % 4 AS INTEGER)] AS device,
    ['FR', 'DE', 'BE', 'ES', 'IT', 'NL', 'LU', 'PT', 'AT', 'IE', 'GB', 'CH'][1 + CAST(h // 128 % 12 AS INTEGER)] AS country,
    CAST(HASH(h) % ({sessions} // 12 + 1) AS BIGINT) AS visitor, CAST(h // 4096 % 300 AS INTEGER) AS seconds,
    h % 3 > 0 AS is_engaged, h % 11 = 0 AS has_cart, h % 22 = 0 AS has_checkout, h % 44 = 0 AS has_purchase
FROM (SELECT i, HASH(i) AS h FROM RANGE({sessions}) AS t(i))
"""

_TRAFFIC = """
SELECT l.day AS day, l.channel AS channel, l.device AS device, l.country AS country, COUNT(*) AS sessions,
    SUM(CAST(l.is_engaged AS INTEGER)) AS engaged_sessions, SUM(l.seconds) AS engaged_seconds,
    SUM(CAST(l.has_cart AS INTEGER)) AS cart_sessions, SUM(CAST(l.has_checkout AS INTEGER)) AS checkout_sessions,
    SUM(CAST(l.has_purchase AS INTEGER)) AS purchase_sessions, COUNT(*) AS sessions_read,
    COUNT(*) AS path_sessions_read, SUM(CAST(l.has_cart AS INTEGER)) AS cart_sessions_read
FROM log AS l
GROUP BY l.day, l.channel, l.device, l.country
"""

# A day at a time: the visitors of more would not fit the processor's caches.
_VISITORS = "INSERT INTO visitors SELECT ?, COUNT(DISTINCT visitor) FROM log WHERE day = ?"


def measure_sessions(folder: Path, pipeline: Pipeline, sessions: int) -> Iterator[Row]:
    """The cubes of all KPIs that are made of traffic alone, and exact distinct visitors of every day."""
    kpis = [
        (node.kpi, node.sql)
        for node in pipeline.catalog.kpi_nodes
        if node.kpi is not None and node.inputs == ("model.web_traffic",)
    ]
    scans, shared = share(kpis, Expansion(ZONE))
    with duckdb.connect(str(folder / "sessions.duckdb")) as connection:
        connection.execute("SET memory_limit = '50%'")
        connection.execute(_LOG.format(last_day=LAST_DAY, days=DAYS, sessions=sessions))
        _run_days(connection, date.fromordinal(LAST_DAY.toordinal() - DAYS + 1))
        base = scan(connection, "log", COUNTED)
        taken = best(_run(connection, "model.web_traffic", _TRAFFIC))
        taken += sum(best(_run(connection, one.table, one.query())) for one in scans)
        taken += best(_run(connection, "cubes", " UNION ALL ".join(one.query() for one in shared)))
        visited = best(lambda: _count_visitors(connection))
        by_visitor = scan(connection, "log", ("day", "visitor"))
    cubes = sum(1 + len(one.kpi.dimensions) for one in shared)
    yield Row(
        f"cubes of {len(shared)} KPIs of {sessions} sessions ({cubes} cubes)",
        taken, "scan of the log", base, 2.5,
    )  # fmt: skip
    yield Row("exact distinct visitors per day", visited, "scan of days and visitors", by_visitor, 6)


def _count_visitors(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TABLE visitors (day DATE, visitors BIGINT)")
    for back in range(DAYS):
        day = LAST_DAY - timedelta(days=back)
        connection.execute(_VISITORS, [day, day])


def _run_days(connection: duckdb.DuckDBPyConnection, first_day: date) -> None:
    connection.execute("CREATE SCHEMA run")
    connection.execute("CREATE SCHEMA model")
    connection.execute(
        "CREATE TABLE run.days AS SELECT CAST(day AS DATE) AS day "
        "FROM GENERATE_SERIES(?::DATE, ?::DATE, INTERVAL 1 DAY) AS t(day)",
        [first_day, LAST_DAY],
    )


def _run(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> Callable[[], object]:
    return lambda: connection.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")
