"""What was measured: which days each source delivered, and so which days of a KPI may be shown.

Not measured is not zero: a day whose extract failed or never ran makes every KPI that rests on it
"missing" there, with the source and table as the reason.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import OLD_AS_NEW
from ecom_pipeline.sources.contract import Change
from ecom_pipeline.warehouse.catalog import Catalog
from ecom_pipeline.warehouse.changes import differing, record_changes
from ecom_pipeline.warehouse.raw_log import transaction

FORGOTTEN = timedelta(days=365)  # who did not buy for so long is no matter among new customers
ON_TIME = timedelta(hours=24)  # after the day's end, or after the source was first connected


def write_wiring(connection: duckdb.DuckDBPyConnection, catalog: Catalog, titles: dict[str, str]) -> None:
    """Store which sources exist, what they feed, what each KPI needs and what it descends from."""
    streams = [(s.source, s.table.name, s.table.change.value) for s in catalog.streams]
    feeds = {(m.canonical, s.source, s.table.name) for s in catalog.streams for m in s.mappings}
    needs = [
        (node.kpi.key, canonical)
        for node in catalog.kpi_nodes
        if node.kpi is not None
        for canonical in sorted(catalog.measured_by(node.kpi))
    ]
    origins = [
        (node.kpi.key, origin)
        for node in catalog.kpi_nodes
        if node.kpi is not None
        for origin in sorted(catalog.origins(node.name))
    ]
    vendors = {stream.source: stream.vendor for stream in catalog.streams}
    sources = [(name, vendor, titles.get(name, vendor)) for name, vendor in vendors.items()]
    with transaction(connection):
        for table, rows in (
            ("sources", sources), ("streams", streams), ("feeds", sorted(feeds)), ("needs", needs),
            ("origins", origins),
        ):  # fmt: skip
            if sorted(map(str, connection.execute(f"FROM ops.{table}").fetchall())) == sorted(map(str, rows)):
                continue
            connection.execute(f"DELETE FROM ops.{table}")
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO ops.{table} VALUES ({marks})", rows)


def refresh_source_days(
    connection: duckdb.DuckDBPyConnection,
    history_start: date,
    as_of: date,
    midnights: list[tuple[date, datetime]],
) -> None:
    """ops.source_days: for each source and day, whether all its tables were read, and in time.

    `midnights` gives the instant (UTC) each local day ends.
    """
    hours = int(ON_TIME.total_seconds() // 3600)
    with transaction(connection):
        connection.execute("CREATE OR REPLACE TEMP TABLE day_ends (day DATE, ends_at TIMESTAMP)")
        connection.execute(
            "INSERT INTO day_ends SELECT UNNEST(?::DATE[]), UNNEST(?::TIMESTAMP[])",
            [[day for day, _ in midnights], [end.replace(tzinfo=None) for _, end in midnights]],
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE rows_before AS SELECT * EXCLUDE (loaded_at) FROM ops.source_days"
        )
        connection.execute("DELETE FROM ops.source_days")
        connection.execute(
            f"""
            INSERT INTO ops.source_days
            SELECT s.source, e.day, COUNT(l.day) = COUNT(*) AS is_complete,
                   COUNT(l.day) = COUNT(*) AND MAX(l.first_loaded_at)
                       <= GREATEST(MAX(e.ends_at), MAX(f.connected_at)) + INTERVAL {hours} HOUR AS is_on_time,
                   MAX(l.loaded_at)
            FROM ops.streams AS s
            JOIN day_ends AS e ON e.day BETWEEN ? AND ?
            LEFT JOIN ops.loaded_days AS l
              ON l.source = s.source AND l.table_name = s.table_name AND l.day = e.day
            LEFT JOIN (SELECT source, MIN(first_loaded_at) AS connected_at FROM ops.loaded_days GROUP BY source) AS f
              ON f.source = s.source
            WHERE s.change <> '{Change.SNAPSHOT.value}'
            GROUP BY s.source, e.day
            """,
            [history_start, as_of],
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE rows_after AS SELECT * EXCLUDE (loaded_at) FROM ops.source_days"
        )
        record_changes(connection, "ops.source_days", "rows_before", "rows_after")


def refresh_kpi_days(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    history_start: date,
    complete_since: date | None,
    names: Collection[str] | None = None,
) -> None:
    """kpi.days: for each KPI (of those named) and day up to its last build, whether it was measured, and if not, why.

    The days of a KPI whose file is gone go with it. A day that was not read takes with it every later day whose value
    is made of it (`Kpi.reach`). Of a snapshot it takes itself only: it can never be read again, so a KPI over a window
    of such days tells its coverage. Before `complete_since` nobody can tell new customers from old ones; without it
    nothing is known of those who bought before the history, and the days of its first year say so.
    """
    nodes = [node for node in catalog.kpi_nodes if names is None or node.name in names]
    kpis = [node.kpi for node in nodes if node.kpi is not None]
    if not kpis:
        return
    with transaction(connection):
        known = [node.kpi.key for node in catalog.kpi_nodes if node.kpi is not None]
        connection.execute("DELETE FROM kpi.days WHERE NOT LIST_CONTAINS(?, kpi)", [known])
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE measured "
            "(kpi VARCHAR, matures_after INTEGER, reach INTEGER, grown_up DATE, vouched DATE)"
        )
        connection.executemany(
            "INSERT INTO measured VALUES (?, ?, ?, ?, ?)",
            [
                (
                    kpi.key, kpi.matures_after, kpi.reach, _grown_up(kpi, history_start, complete_since),
                    history_start + FORGOTTEN if kpi.tells_new and complete_since is None else history_start,
                )
                for kpi in kpis
            ],
        )  # fmt: skip
        seen = [(kpi.key, canonical) for kpi in kpis for canonical in kpi.snapshots]
        connection.execute("CREATE OR REPLACE TEMP TABLE seen (kpi VARCHAR, canonical VARCHAR)")
        if seen:
            connection.executemany("INSERT INTO seen VALUES (?, ?)", seen)
        _find_unpriced(connection)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE days_now AS {_KPI_DAYS}", [history_start, history_start]
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE days_before AS FROM kpi.days WHERE kpi IN (SELECT kpi FROM measured)"
        )
        changed = f"SELECT kpi, day FROM {differing(connection, 'days_before', 'days_now')}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE days_changed AS SELECT DISTINCT * FROM ({changed})")
        connection.execute("DELETE FROM kpi.days WHERE (kpi, day) IN (FROM days_changed)")
        connection.execute("INSERT INTO kpi.days FROM days_now WHERE (kpi, day) IN (FROM days_changed)")


def _grown_up(kpi: Kpi, history_start: date, complete_since: date | None) -> date:
    """The first day on which the history reaches back far enough for the KPI."""
    first = history_start + timedelta(days=kpi.young_until)
    if complete_since is None or complete_since <= history_start or not kpi.tells_new:
        return first
    return max(first, complete_since + timedelta(days=kpi.tells_new - 1))


_PRICED = {  # what of a model is empty when a currency had no rate, and which canonical table it spoils
    "sale_lines": ("gross", "sale_lines"),
    "ad_performance": ("spend", "ad_performance"),
    "email_campaigns": ("conversion_value", "email_campaigns"),
    "payments": ("net", "payments"),
    "payouts": ("amount", "payouts"),
    "cash_flows": ("amount", "bank_transactions"),
    "bank_accounts": ("balance", "bank_transactions"),
}

# No model holds gifts: their KPI converts them itself.
_UNPRICED_GIFTS = """
INSERT INTO unpriced
SELECT DISTINCT 'contributions', c.day
FROM mapped.contributions AS c
CROSS JOIN config.shop AS s
LEFT JOIN model.fx_rates AS f ON f.day = c.day AND f.currency = c.currency
WHERE c.amount <> 0 AND c.currency <> s.currency AND (f.rate IS NULL OR f.reporting_rate IS NULL)
"""


def _find_unpriced(connection: duckdb.DuckDBPyConnection) -> None:
    """Days on which an amount could not be converted: their sums would be short without a word."""
    connection.execute("CREATE OR REPLACE TEMP TABLE unpriced (canonical VARCHAR, day DATE)")
    there = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'model'"
    ).fetchall()
    for model, (column, canonical) in _PRICED.items():
        if (model,) in there:
            connection.execute(
                f"INSERT INTO unpriced SELECT DISTINCT '{canonical}', day FROM model.{model} WHERE {column} IS NULL"
            )
    if ("fx_rates",) in there:
        connection.execute(_UNPRICED_GIFTS)


_KPI_DAYS = f"""
WITH spine AS (
    SELECT m.kpi AS kpi, CAST(d.day AS DATE) AS day, b.as_of AS as_of, m.matures_after AS matures_after,
           m.grown_up AS grown_up, m.vouched AS vouched
    FROM measured AS m JOIN ops.built AS b ON b.node = 'kpi.' || m.kpi,
         GENERATE_SERIES(?::DATE, b.as_of, INTERVAL 1 DAY) AS d(day)
), unfed AS (
    SELECT n.kpi AS kpi, STRING_AGG('no source feeds ' || n.canonical, ', ' ORDER BY n.canonical) AS reason
    FROM ops.needs AS n
    WHERE n.canonical NOT IN (SELECT canonical FROM ops.feeds) GROUP BY n.kpi
), wanted AS (
    SELECT DISTINCT n.kpi AS kpi, f.source || ': ' || f.table_name AS reason,
           s.change = '{Change.SNAPSHOT.value}' AS is_snapshot
    FROM ops.needs AS n JOIN ops.feeds AS f ON f.canonical = n.canonical
    JOIN ops.streams AS s ON s.source = f.source AND s.table_name = f.table_name
    LEFT JOIN seen AS e ON e.kpi = n.kpi AND e.canonical = n.canonical
    WHERE s.change <> '{Change.SNAPSHOT.value}' OR e.kpi IS NOT NULL
    UNION ALL
    SELECT n.kpi, n.canonical || ' in a currency without a rate', FALSE
    FROM ops.needs AS n WHERE n.canonical IN (SELECT canonical FROM unpriced)
), calendar AS (
    SELECT CAST(d.day AS DATE) AS day
    FROM GENERATE_SERIES(?::DATE, (SELECT MAX(as_of) FROM ops.built), INTERVAL 1 DAY) AS d(day)
), holes AS (
    SELECT s.source || ': ' || s.table_name AS reason, c.day AS day, l.day IS NULL AS is_hole
    FROM ops.streams AS s CROSS JOIN calendar AS c
    LEFT JOIN ops.loaded_days AS l
      ON l.source = s.source AND l.table_name = s.table_name AND l.day = c.day
    UNION ALL
    SELECT x.canonical || ' in a currency without a rate', c.day, u.day IS NOT NULL
    FROM (SELECT DISTINCT canonical FROM unpriced) AS x CROSS JOIN calendar AS c
    LEFT JOIN unpriced AS u ON u.canonical = x.canonical AND u.day = c.day
), newest AS (
    SELECT reason, day, MAX(CASE WHEN is_hole THEN day END) OVER (PARTITION BY reason ORDER BY day) AS hole
    FROM holes
), unread AS (
    SELECT m.kpi AS kpi, n.day AS day, STRING_AGG(n.reason, ', ' ORDER BY n.reason) AS reason
    FROM measured AS m JOIN wanted AS w ON w.kpi = m.kpi JOIN newest AS n ON n.reason = w.reason
    WHERE n.hole > n.day - CASE WHEN w.is_snapshot THEN 1 ELSE m.reach END GROUP BY m.kpi, n.day
)
SELECT sp.kpi AS kpi, sp.day AS day,
       CASE WHEN u.reason IS NOT NULL OR x.reason IS NOT NULL THEN 'missing'
            WHEN sp.day < sp.grown_up THEN 'no_history'
            WHEN sp.day + sp.matures_after > sp.as_of THEN 'immature' ELSE 'complete' END AS state,
       COALESCE(u.reason, x.reason, CASE WHEN sp.day < sp.grown_up THEN 'the history is too short'
                                         WHEN sp.day < sp.vouched THEN '{OLD_AS_NEW}' END) AS reason
FROM spine AS sp
LEFT JOIN unfed AS u ON u.kpi = sp.kpi
LEFT JOIN unread AS x ON x.kpi = sp.kpi AND x.day = sp.day
"""
