"""What these sources' tests share: a shop behind the sandbox, windows of it, its raw tables and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import sqlglot

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.world import World
from ecom_pipeline.sources.contract import Row, SourceContext, Table, Window
from ecom_pipeline.sources.http import Patience
from ecom_pipeline.warehouse.functions import Expansion, expand
from ecom_pipeline.warehouse.header import split_header

TIME_ZONE = "Europe/Paris"
NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
KEY = b"a key for the tests, 32 bytes long"
NO_SLEEP = Patience(sleep=lambda seconds: None, read_timeout=5)


def small_shop() -> Shop:
    """A shop without any event, for a test to fill."""
    first_day, last_day = date(2026, 3, 1), date(2026, 3, 31)
    return Shop(7, "Maison Test", "maison-test.myshopify.com", "EUR", TIME_ZONE, first_day, last_day)


def world_of(shop: Shop, now: datetime = NOW) -> World:
    return World(shop, now)


def context_of(world: World) -> SourceContext:
    return SourceContext(TIME_ZONE, world.now, KEY)


def window_of(first_day: date, last_day: date, asked_at: datetime = NOW) -> Window:
    return Window(first_day, last_day, TIME_ZONE, asked_at)


def raw_tables(tables: Mapping[str, tuple[Table, Iterable[Row]]]) -> duckdb.DuckDBPyConnection:
    """A database in memory whose schema `source` holds the fetched rows, as a mapping reads them."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA source")
    for name, (table, rows) in tables.items():
        columns = ", ".join(f"{column.name} {column.type.value}" for column in table.columns)
        connection.execute(f"CREATE TABLE source.{name} (_record VARCHAR, snapshot_day DATE, {columns})")
        values = [
            (str(row.get(table.record, "")), NOW.date(), *(row[column.name] for column in table.columns))
            for row in rows
        ]
        marks = ", ".join("?" for _ in range(len(table.columns) + 2))
        if values:
            connection.execute("SET TimeZone = 'UTC'")
            connection.executemany(f"INSERT INTO source.{name} VALUES ({marks})", values)
    return connection


def runnable(mapping: str, instance: str = "the_source") -> str:
    """A mapping's query with the product's own functions expanded."""
    _, query = split_header(mapping, "the mapping")
    tree = sqlglot.parse_one(query, dialect="duckdb")
    sqlglot.transpile(query, read="duckdb", write="spark")
    return expand(tree, Expansion(TIME_ZONE, instance)).sql(dialect="duckdb")


def map_rows(connection: duckdb.DuckDBPyConnection, mapping: str) -> list[dict[str, Any]]:
    """The rows of a mapping as dictionaries."""
    found = connection.execute(runnable(mapping))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
