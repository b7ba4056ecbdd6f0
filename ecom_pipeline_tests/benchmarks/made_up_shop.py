"""A shop of a million orders, made in seconds with SQL: what the benchmarks read.

It knows what its vendors would have answered at any instant, so that a history can be put into the raw log
at once and later days can be read one by one, as the pipeline reads them. It is no simulation: numbers are
plausible in size and shape only, and the same at every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sources.contract import Row, Table, Window
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.raw_log import load_table, raw_table
from ecom_pipeline.warehouse.spool import Spool
from ecom_pipeline_tests.benchmarks.vendor_answers import ANSWERS, CHILDREN, EARLIER_VERSIONS, TRUTH

LAST_DAY = date(2026, 11, 15)
DAYS_AFTER = 4  # days that orders exist for beyond the history, to be read one by one
ZONE = "Europe/Paris"

TOML = """
[shop]
name = "A million orders"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = {first_day}

[sources]
shop = {{vendor = "shopify", domain = "made-up.myshopify.com"}}
stripe = {{vendor = "stripe"}}
analytics = {{vendor = "ga4", property_id = "1"}}
ads = {{vendor = "google_ads", customer_id = "1234567890"}}
bank = {{vendor = "qonto"}}
rates = {{vendor = "ecb"}}

[costs]
fixed = [{{name = "Rent", monthly = "9000", first_day = {first_day}}}]
marketing = [{{name = "Agency", monthly = "4000", first_day = {first_day}}}]
logistics = [
  {{country = "FR", shipping = "4.90", fulfilment = "1.20", packaging = "0.60", return_freight = "5.40"}},
  {{country = "*", shipping = "9.80", fulfilment = "1.20", packaging = "0.60", return_freight = "11.00"}},
]
"""


class MadeUpShop:
    """The truth behind the vendors' answers, in a DuckDB file of its own."""

    def __init__(self, folder: Path, orders: int, days: int) -> None:
        folder.mkdir(parents=True)
        self.first_day = LAST_DAY - timedelta(days=days - 1)
        self._file = folder / "truth.duckdb"
        with duckdb.connect(str(self._file)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET memory_limit = '50%'")
            made = round(orders * (days + DAYS_AFTER) / days)
            for statement in TRUTH:
                connection.execute(
                    statement.format(orders=made, first_day=self.first_day, days=days + DAYS_AFTER)
                )

    def answer_sql(self, table: str, window: Window) -> str:
        """SQL over the truth of what the vendor says of the window at its end."""
        start, end = (instant.replace(tzinfo=None) for instant in (window.start_at, window.end_at))
        return ANSWERS[table].format(
            start=start, end=end, first_day=window.first_day, last_day=window.last_day
        )

    def fill(self, pipeline: Pipeline, window: Window) -> None:
        """Put the whole history into the raw log, as loads of all of it would have."""
        with open_warehouse(pipeline.settings.warehouse_file) as connection:
            connection.execute(f"ATTACH '{self._file}' AS truth (READ_ONLY)")
            connection.execute("SET search_path = 'main,truth.main'")
            for source in pipeline.sources:
                for table in pipeline.tables(source):
                    if table.name in EARLIER_VERSIONS:
                        self._fill_table(connection, pipeline, source, table, window, EARLIER_VERSIONS)
                    self._fill_table(connection, pipeline, source, table, window, ANSWERS)

    def _fill_table(
        self,
        connection: duckdb.DuckDBPyConnection,
        pipeline: Pipeline,
        source: str,
        table: Table,
        window: Window,
        answers: dict[str, str],
    ) -> None:
        with Spool(source, table, pipeline.settings.folder / "spool") as spool:
            spool.write(())
            load_id = load_table(connection, spool, window).load_id
        start, end = (instant.replace(tzinfo=None) for instant in (window.start_at, window.end_at))
        values = {"start": start, "end": end, "first_day": window.first_day, "last_day": window.last_day}
        record = {"variants": "snapshot_day", "balances": "snapshot_day"}.get(table.name, table.record)
        connection.execute(
            f"""INSERT INTO {raw_table(source, table.name)} BY NAME
                SELECT * EXCLUDE (i), CAST({record} AS VARCHAR) AS _record, {load_id} AS _load_id,
                    MD5(CAST(i AS VARCHAR)) AS _hash, FALSE AS _deleted
                FROM ({answers[table.name].format(**values)})"""
        )
        for child in table.children:
            connection.execute(
                f"""INSERT INTO {raw_table(source, child.name)} BY NAME
                    SELECT c.* EXCLUDE (i), CAST(o.id AS VARCHAR) AS _record, {load_id} AS _load_id
                    FROM ({CHILDREN[child.name].format(**values)}) AS c
                    JOIN ({answers[table.name].format(**values)}) AS o ON o.i = c.i
                    {"WHERE c.happened_at <= o.updated_at" if child.name != "fulfillments" else ""}"""
            )

    def rows(self, table: Table, window: Window) -> Iterator[Row]:
        """The vendor's answer as a source would yield it."""
        with duckdb.connect(str(self._file), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            parents = _dictionaries(connection, self.answer_sql(table.name, window))
            children: dict[str, dict[int, list[Row]]] = {}
            for child in table.children:
                children[child.name] = {}
                end = window.end_at.replace(tzinfo=None)
                sql = f"""SELECT c.* FROM ({CHILDREN[child.name].format(end=end)}) AS c
                          WHERE c.i IN (SELECT i FROM ({self.answer_sql(table.name, window)}))"""
                for row in _dictionaries(connection, sql):
                    children[child.name].setdefault(row.pop("i"), []).append(row)
            for row in parents:
                number = row.pop("i")
                yield {**row, **{name: found.get(number, []) for name, found in children.items()}}


def write_configuration(folder: Path, first_day: date) -> Path:
    """The shop's `ecom.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ecom.toml"
    file.write_text(TOML.format(first_day=first_day), encoding="utf-8")
    return file


def _dictionaries(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
