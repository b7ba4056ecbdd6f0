"""From a KPI's query to its stored rows: totals and segments, and what was restated."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.warehouse.rows import fetch_row

_MEASURES = ("numerator", "denominator", "covered", "coverable")


def kpi_rows(connection: duckdb.DuckDBPyConnection, kpi: Kpi, query: str) -> str:
    """SQL of a KPI's rows `day, dimension, segment, numerator, denominator, covered, coverable`.

    Raises:
        DefinitionError: the query does not return the columns its kind and dimensions promise.
    """
    columns = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    expected = {"day", "dimension", "segment"} if kpi.cuts_itself else {"day", *kpi.dimensions}
    required = expected | ({"numerator"} if kpi.kind is Kind.FLOW else {"numerator", "denominator"})
    if not required <= set(columns) or not set(columns) <= expected | set(_MEASURES):
        raise DefinitionError(
            f"kpis/{kpi.family}/{kpi.key}.sql returns {', '.join(columns)}.",
            mend=f"A {kpi.kind} KPI with these dimensions returns {', '.join(sorted(required))}.",
        )
    measures = {name: name if name in columns else "NULL" for name in _MEASURES}
    days = "day IN (SELECT day FROM run.days)"
    if kpi.cuts_itself:
        cast = ", ".join(f"CAST({value} AS DECIMAL(38, 4)) AS {name}" for name, value in measures.items())
        return f"SELECT day, dimension, segment, {cast} FROM ({query}) WHERE {days} AND numerator IS NOT NULL"
    sums = ", ".join(f"CAST(SUM({value}) AS DECIMAL(38, 4)) AS {name}" for name, value in measures.items())
    if not kpi.dimensions:
        return f"SELECT day, 'total' AS dimension, '' AS segment, {sums} FROM ({query}) WHERE {days} GROUP BY day"
    whens = " ".join(f"WHEN GROUPING({name}) = 0 THEN '{name}'" for name in kpi.dimensions)
    segments = " ".join(f"WHEN GROUPING({name}) = 0 THEN {name}" for name in kpi.dimensions)
    sets = ", ".join(["(day)", *(f"(day, {name})" for name in kpi.dimensions)])
    return f"""
        SELECT * FROM (
            SELECT day, CASE {whens} ELSE 'total' END AS dimension, CASE {segments} ELSE '' END AS segment, {sums}
            FROM ({query}) WHERE {days} GROUP BY GROUPING SETS ({sets}))
        WHERE segment IS NOT NULL AND (dimension = 'total' OR numerator <> 0 OR COALESCE(denominator, 0) <> 0
                                      OR COALESCE(coverable, 0) <> 0)"""


def insert_kpi_rows(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """Store `rows_after` as the KPI's."""
    connection.execute("INSERT INTO kpi.daily BY NAME SELECT ? AS kpi, * FROM rows_after", [key])


def record_restatements(connection: duckdb.DuckDBPyConnection, key: str, now: datetime) -> int:
    """Write down every value that was complete before and is different now; count them."""
    row = fetch_row(
        connection,
        """
        INSERT INTO kpi.restatements
        SELECT ?, COALESCE(b.day, a.day), COALESCE(b.dimension, a.dimension), COALESCE(b.segment, a.segment),
               b.numerator, a.numerator, b.denominator, a.denominator, ?
        FROM rows_before AS b
        FULL JOIN rows_after AS a ON a.day = b.day AND a.dimension = b.dimension AND a.segment = b.segment
        JOIN kpi.days AS s ON s.kpi = ? AND s.day = COALESCE(b.day, a.day) AND s.state = 'complete'
        WHERE COALESCE(b.numerator, 0) <> COALESCE(a.numerator, 0)
           OR COALESCE(b.denominator, 0) <> COALESCE(a.denominator, 0)
        """,
        [key, now.astimezone(UTC).replace(tzinfo=None), key],
    )
    return int(row[0]) if row else 0
