"""From a KPI's query to its stored rows: totals and segments, and what was restated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import duckdb

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.warehouse.rewrite import columns_given

SETTINGS, DEFINITION, CALCULATION = "ecom.toml", "definition", "calculation"  # causes that are no source
MEASURES = ("numerator", "denominator", "covered", "coverable")
_INTERVAL = ("low", "high")  # of the value itself: it belongs to a day, and sums of days have none
NO_INTERVAL = ", ".join(f"CAST(NULL AS DECIMAL(38, 4)) AS {name}" for name in _INTERVAL)


def kpi_rows(kpi: Kpi, query: str) -> str:
    """SQL of a KPI's rows `day, dimension, segment, numerator, denominator, covered, coverable, low, high`.

    Raises:
        DefinitionError: the query does not return the columns its kind and dimensions promise.
    """
    columns = columns_given(query)
    expected = {"day", "dimension", "segment"} if kpi.cuts_itself else {"day", *kpi.dimensions}
    required = expected | ({"numerator"} if kpi.kind is Kind.FLOW else {"numerator", "denominator"})
    known = (*MEASURES, *_INTERVAL) if kpi.cuts_itself else MEASURES
    if not required <= set(columns) or not set(columns) <= expected | set(known):
        raise DefinitionError(
            f"kpis/{kpi.family}/{kpi.key}.sql returns {', '.join(columns)}.",
            mend=f"A {kpi.kind} KPI with these dimensions returns {', '.join(sorted(required))}.",
        )
    measures = {name: name if name in columns else "NULL" for name in (*MEASURES, *_INTERVAL)}
    days = "day IN (SELECT day FROM run.days)"
    if kpi.cuts_itself:
        cast = ", ".join(f"CAST({value} AS DECIMAL(38, 4)) AS {name}" for name, value in measures.items())
        return f"SELECT day, dimension, segment, {cast} FROM ({query}) WHERE {days} AND numerator IS NOT NULL"
    sums = ", ".join(f"CAST(SUM({measures[name]}) AS DECIMAL(38, 4)) AS {name}" for name in MEASURES)
    return kept(
        f"SELECT day, {segmented(kpi.dimensions)}, {sums}, {NO_INTERVAL} FROM ({query}) WHERE {days} {grouped(kpi.dimensions)}"
    )


def grouped(dimensions: Sequence[str]) -> str:
    """GROUP BY of a cube: the total and each dimension of a day."""
    return f"GROUP BY GROUPING SETS ({', '.join(['(day)', *(f'(day, {name})' for name in dimensions)])})"


def segmented(dimensions: Sequence[str]) -> str:
    """SQL of the columns `dimension, segment` of a cube's rows."""
    if not dimensions:
        return "'total' AS dimension, '' AS segment"
    whens = " ".join(f"WHEN GROUPING({name}) = 0 THEN '{name}'" for name in dimensions)
    segments = " ".join(f"WHEN GROUPING({name}) = 0 THEN {name}" for name in dimensions)
    return f"CASE {whens} ELSE 'total' END AS dimension, CASE {segments} ELSE '' END AS segment"


def kept(rows: str) -> str:
    """SQL of those of a cube's rows that are stored: totals, and named segments in which something happened."""
    return f"""
        SELECT * FROM ({rows})
        WHERE segment IS NOT NULL AND (dimension = 'total' OR numerator <> 0 OR COALESCE(denominator, 0) <> 0
                                      OR COALESCE(coverable, 0) <> 0)"""


def record_restatements(
    connection: duckdb.DuckDBPyConnection, key: str, now: datetime, since: int | None, told_until: date
) -> int:
    """Write down every value of a KPI that was complete before and is different now, and why; count them.

    The cause is the sources whose rows of days already told changed since the last build (those of the value's own
    day where there are any), `ecom.toml`, or else the calculation itself; a `since` of None says that the KPI's
    definition changed.
    """
    ((count,),) = connection.execute(
        f"""
        INSERT INTO kpi.restatements
        WITH causes AS (
            SELECT DISTINCT c.day AS day, SPLIT_PART(c.node, '<', 2) AS cause
            FROM ops.changes AS c
            JOIN ops.origins AS i ON i.kpi = $kpi AND SPLIT_PART(c.node, '<', 1) = i.origin
            WHERE c.sequence > CAST($since AS BIGINT) AND c.day <= $told_until AND CONTAINS(c.node, '<')
            UNION
            SELECT c.day AS day, '{SETTINGS}' AS cause
            FROM ops.changes AS c
            JOIN ops.origins AS i ON i.kpi = $kpi AND c.node = i.origin
            WHERE c.sequence > CAST($since AS BIGINT) AND COALESCE(c.day, $told_until) <= $told_until
                AND c.node LIKE 'config.%'
        ), by_day AS (
            SELECT day, STRING_AGG(cause, ', ' ORDER BY cause) AS cause FROM causes GROUP BY day
        ), overall AS (
            SELECT STRING_AGG(cause, ', ' ORDER BY cause) AS cause FROM (SELECT DISTINCT cause FROM causes)
        )
        SELECT $kpi, COALESCE(b.day, a.day), COALESCE(b.dimension, a.dimension), COALESCE(b.segment, a.segment),
               b.numerator, a.numerator, b.denominator, a.denominator, $now,
               CASE WHEN CAST($since AS BIGINT) IS NULL THEN '{DEFINITION}' ELSE COALESCE(d.cause, o.cause, '{CALCULATION}') END
        FROM (SELECT * FROM rows_before WHERE kpi = $kpi) AS b
        FULL JOIN (SELECT * FROM rows_after WHERE kpi = $kpi) AS a ON a.day = b.day AND a.dimension = b.dimension AND a.segment = b.segment
        JOIN kpi.days AS s ON s.kpi = $kpi AND s.day = COALESCE(b.day, a.day) AND s.state = 'complete'
        LEFT JOIN by_day AS d ON d.day = COALESCE(b.day, a.day)
        CROSS JOIN overall AS o
        WHERE COALESCE(b.numerator, 0) <> COALESCE(a.numerator, 0)
           OR COALESCE(b.denominator, 0) <> COALESCE(a.denominator, 0)
        """,
        {
            "kpi": key,
            "now": now.astimezone(UTC).replace(tzinfo=None),
            "since": since,
            "told_until": told_until,
        },
    ).fetchall()
    return int(count)
