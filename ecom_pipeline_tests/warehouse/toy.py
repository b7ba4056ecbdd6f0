"""Small tables of every way of change, loaded without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ecom_pipeline.sources.contract import Change, Child, Column, Table, Type, Window
from ecom_pipeline.warehouse.raw_log import LoadResult, load_table, newest
from ecom_pipeline.warehouse.spool import Spool

MONDAY = date(2026, 3, 2)
ZONE = "Europe/Paris"

LINES = Child(
    "lines", "A line.", ("id",), (Column("id", Type.STRING, required=True), Column("amount", Type.DECIMAL))
)
ORDERS = Table(
    "orders", "An order.", Change.LOG, ("id",),
    (
        Column("id", Type.STRING, required=True), Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True), Column("amount", Type.DECIMAL),
    ),
    "made up", version="updated_at", children=(LINES,), swept=True,
)  # fmt: skip
VISITS = Table(
    "visits", "A day and page.", Change.RESTATED, ("day", "page"),
    (Column("day", Type.DATE, required=True), Column("page", Type.STRING, required=True), Column("visits", Type.INTEGER)),
    "made up", day="day", restate_days=3,
)  # fmt: skip
STOCK = Table(
    "stock", "An article.", Change.SNAPSHOT, ("id",),
    (Column("id", Type.STRING, required=True), Column("level", Type.INTEGER)), "made up",
)  # fmt: skip
ARTICLES = Table(
    "articles", "An article.", Change.FULL, ("id",),
    (Column("id", Type.STRING, required=True), Column("title", Type.STRING)), "made up",
)  # fmt: skip


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def window(first_day: date = MONDAY, days: int = 1, asked_at: datetime | None = None) -> Window:
    """Days asked for on the morning after the last one, unless told otherwise."""
    last = first_day + timedelta(days=days - 1)
    return Window(first_day, last, ZONE, asked_at or at(6, day=last + timedelta(days=1)))


def order(
    key: str, updated_at: datetime, *amounts: str, created_at: datetime | None = None
) -> dict[str, Any]:
    lines = [{"id": f"{key}-{n}", "amount": amount} for n, amount in enumerate(amounts)]
    return {
        "id": key, "created_at": created_at or at(8), "updated_at": updated_at,
        "amount": str(sum(map(int, amounts))), "lines": lines,
    }  # fmt: skip


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: Table, rows: Iterable[Any], asked: Window
) -> LoadResult:
    with Spool("toy", table, folder) as spool:
        spool.write(rows)
        return load_table(connection, spool, asked)


def living(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The newest living version of each record."""
    return connection.execute(
        f"SELECT {', '.join(columns)} FROM ({newest('toy', table)}) WHERE NOT _deleted ORDER BY ALL"
    ).fetchall()


def lines_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """The lines of the living orders, as mappings see them."""
    return connection.execute(
        f"""SELECT c.id, CAST(c.amount AS INTEGER) FROM raw.toy__lines AS c
            JOIN ({newest("toy", ORDERS)}) AS p ON p._record = c._record AND p._load_id = c._load_id
            WHERE NOT p._deleted ORDER BY ALL"""
    ).fetchall()
