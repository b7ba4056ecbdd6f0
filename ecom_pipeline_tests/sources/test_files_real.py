"""Files: a real retailer's year and a search export go in through `ecom.toml`, and come out to the cent."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ecom_pipeline.settings import load_settings
from ecom_pipeline.sources.contract import SourceContext, Window
from ecom_pipeline.sources.files import Files

from .vendor_sandbox import KEY, map_rows, raw_tables, runnable, window_of

RESOURCES = Path(__file__).parent / "resources"
DATA = "online_retail_2010-2011.parquet"
LONDON = "Europe/London"
ASKED_AT = datetime(2026, 4, 1, 6, tzinfo=UTC)


def source_of(folder: Path, name: str) -> Files:
    """The source as the product's own settings tell it, its folder within `folder`."""
    instance = load_settings(folder / "ecom.toml", {}).sources[name]
    settings = instance.settings
    assert isinstance(settings, Files.Settings)
    placed = settings.model_copy(update={"folder": folder / settings.folder})
    return Files(name, placed, SourceContext(LONDON, lambda: ASKED_AT, KEY))


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Files:
    folder = tmp_path_factory.mktemp("uci")
    shutil.copytree(RESOURCES / "uci_online_retail", folder / "retail")
    shutil.move(folder / "retail" / "ecom.toml", folder / "ecom.toml")
    (folder / "retail" / DATA).symlink_to(shared / "data" / "uci-online-retail" / DATA)
    return source_of(folder, "retail")


def year() -> Window:
    return Window(date(2010, 12, 1), date(2011, 12, 9), LONDON, ASKED_AT)


@pytest.fixture(scope="module")
def rows(retail: Files) -> list[Any]:
    (table,) = Files.declared_tables(retail.settings)
    return list(retail.fetch(table, year()))


@pytest.fixture(scope="module")
def mapped(retail: Files, rows: list[Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The canonical tables as the mappings make them of every row."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE SCHEMA source")
    connection.register("fetched", pa.Table.from_pylist(rows))
    connection.execute(
        """CREATE TABLE source.invoice_lines AS
           SELECT CAST(day AS VARCHAR) AS _record, * REPLACE (
               CAST(price AS DECIMAL(18, 6)) AS price, CAST(invoiced_at AS TIMESTAMP) AS invoiced_at
           ) FROM fetched"""
    )
    for name, sql in Files.declared_mappings(retail.settings).items():
        connection.execute(f"CREATE TABLE {name.split('__')[0]} AS {runnable(sql)}")
    yield connection
    connection.close()


def told(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row


def test_raw_rows_are_all_there(rows: list[Any], mapped: duckdb.DuckDBPyConnection) -> None:
    assert len(rows) == len({row["row_id"] for row in rows}) == 541_909
    assert (rows[0]["invoiced_at"], rows[0]["day"]) == (
        datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        date(2010, 12, 1),
    )
    assert max(row["invoiced_at"] for row in rows) == datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
    assert told(
        mapped,
        """SELECT COUNT(DISTINCT invoice), COUNT(DISTINCT customer), COUNT(*) - COUNT(customer),
                  CAST(SUM(quantity * price) AS DECIMAL(18, 2)), SUM(CAST(quantity < 0 AS INTEGER)),
                  COUNT(DISTINCT CASE WHEN invoice LIKE 'C%' THEN invoice END),
                  COUNT(DISTINCT CASE WHEN invoice LIKE 'A%' THEN invoice END)
           FROM source.invoice_lines""",
    ) == (25_900, 4_372, 135_080, Decimal("9747747.93"), 10_624, 3_836, 3)


def test_sales_are_those_recorded(mapped: duckdb.DuckDBPyConnection) -> None:
    sales = "SELECT COUNT(*), SUM(gross), COUNT(DISTINCT line_id) FROM sale_lines WHERE action = 'sale'"
    # 530,104 rows with a price, and 40 articles given to a customer for nothing.
    assert told(mapped, sales) == (530_144, Decimal("10666684.54"), 530_144)
    assert told(mapped, f"{sales} AND kind <> 'product'")[0] == 0


def test_cancellations_are_those_recorded(mapped: duckdb.DuckDBPyConnection) -> None:
    refunds = """SELECT COUNT(*), SUM(gross), COUNT(DISTINCT order_id), MAX(quantity)
                 FROM sale_lines WHERE action = 'refund'"""
    assert told(mapped, refunds) == (9_288, Decimal("-896812.49"), 3_836, -1)
    assert told(mapped, "SELECT COUNT(*) FROM orders WHERE cancelled_at IS NOT NULL") == (3_836,)


def test_repeat_rate_is_the_one_known(mapped: duckdb.DuckDBPyConnection) -> None:
    customers, repeating = told(
        mapped,
        """SELECT COUNT(*), SUM(CAST(invoices > 1 AS INTEGER)) FROM (
               SELECT customer, COUNT(*) AS invoices FROM orders
               WHERE cancelled_at IS NULL AND customer IS NOT NULL GROUP BY customer)""",
    )
    assert (customers, repeating) == (4_339, 2_845)


def test_every_line_has_its_order_once(mapped: duckdb.DuckDBPyConnection) -> None:
    assert told(mapped, "SELECT COUNT(*) - COUNT(DISTINCT order_id) FROM orders") == (0,)
    assert told(
        mapped,
        """SELECT COUNT(*) FROM sale_lines AS l
           LEFT JOIN orders AS o ON o.order_id = l.order_id AND o.day = l.order_day
           WHERE o.order_id IS NULL AND l.kind = 'product'""",
    ) == (0,)


def test_countries_are_codes(mapped: duckdb.DuckDBPyConnection) -> None:
    found = mapped.execute("SELECT DISTINCT country FROM orders WHERE country IS NOT NULL").fetchall()
    assert all(len(code) == 2 and code.isupper() for (code,) in found)
    assert ("GB",) in found and ("IE",) in found and len(found) == 35


def test_customers_are_pseudonyms(rows: list[Any]) -> None:
    known = {row["customer"] for row in rows if row["customer"] is not None}
    assert all(len(customer) == 32 for customer in known)


def test_a_window_is_its_days_exactly(retail: Files, rows: list[Any]) -> None:
    (table,) = Files.declared_tables(retail.settings)
    first, last = date(2011, 3, 25), date(2011, 3, 29)  # the clocks change on the 27th
    part = list(retail.fetch(table, Window(first, last, LONDON, ASKED_AT)))
    assert part == [row for row in rows if first <= row["day"] <= last]
    assert len({row["day"] for row in part}) == 4  # closed on Saturday


def test_check_of_the_real_file(retail: Files) -> None:
    assert [finding.state for finding in retail.check()] == ["ok"]


def test_search_export_comes_back_to_the_tenth(tmp_path: Path) -> None:
    """A mean of six decimals and its impressions give the sum it was made of."""
    sums: dict[tuple[date, str, str], tuple[int, int, Decimal]] = {}
    for n in range(1, 200):
        day, device, country = date(2026, 1, 1) + timedelta(days=n // 4), ("MOBILE", "DESKTOP")[n % 2], "FR"
        sums[day, device, f"{country}{n // 2 % 2}"] = n, 3 * n, Decimal(n * 137 % 100_000) / 10
    shutil.copy(RESOURCES / "search_console" / "ecom.toml", tmp_path)
    (tmp_path / "search").mkdir()
    with (tmp_path / "search" / "export.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("Date", "Device", "Country", "Clicks", "Impressions", "Position"))
        for key, (clicks, impressions, position_sum) in sums.items():
            writer.writerow((*key, clicks, impressions, f"{position_sum / impressions:.6f}"))
    source = source_of(tmp_path, "search")
    (table,) = Files.declared_tables(source.settings)
    rows = list(source.fetch(table, window_of(date(2026, 3, 31), date(2026, 3, 31))))
    connection = raw_tables({"positions": (table, rows)})
    (sql,) = Files.declared_mappings(source.settings).values()
    assert {
        (row["day"], row["device"].upper(), row["country"]): (
            row["clicks"],
            row["impressions"],
            row["position_sum"],
        )
        for row in map_rows(connection, sql)
    } == sums
