"""Acceptance: a real retailer's year goes in as a file and comes out of the pipeline as it is published.

The expected numbers are facts of the UCI Online Retail data, counted without this product.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline.warehouse.raw_log import LoadResult

RESOURCES = Path(__file__).parent / "sources" / "resources" / "uci_online_retail"
FIRST, LAST = date(2010, 12, 1), date(2011, 12, 9)
SALES, CANCELLED, ALL_ROWS = Decimal("10666684.54"), Decimal("896812.49"), Decimal("9747747.93")
DATA_SCHEMAS = ("raw", "mapped", "model", "kpi")


@dataclass
class Retailer:
    """The pipeline over the retailer's folder, loaded and computed once."""

    pipeline: Pipeline
    dropped: Path
    published: Path
    first_load: LoadResult

    def extract(self, first_day: date = FIRST, last_day: date = LAST) -> LoadResult:
        (table,) = self.pipeline.tables("retail")
        return self.pipeline.extract("retail", table, first_day, last_day)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.pipeline.settings.warehouse_file) as connection:
            return connection.execute(sql).fetchall()

    def fingerprints(self) -> dict[str, tuple[Any, ...]]:
        """Rows and a sum over their hashes for every table, which load wrote them left aside."""
        with open_warehouse(self.pipeline.settings.warehouse_file) as connection:
            tables = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE LIST_CONTAINS(?, schema_name)",
                [list(DATA_SCHEMAS)],
            ).fetchall()
            without = {"raw": "EXCLUDE (_load_id)"}
            found = {}
            for schema, name in tables:
                rows = f'SELECT * {without.get(schema, "")} FROM {schema}."{name}"'
                (found[f"{schema}.{name}"],) = connection.execute(
                    f"SELECT COUNT(*), SUM(HASH(t)) FROM ({rows}) AS t"
                ).fetchall()
            return found


@pytest.fixture(scope="module")
def retailer(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retailer]:
    folder = tmp_path_factory.mktemp("retailer")
    shutil.copytree(RESOURCES, folder / "retail")
    shutil.move(folder / "retail" / "ecom.toml", folder / "ecom.toml")
    published = shared / "data" / "uci-online-retail" / "online_retail_2010-2011.parquet"
    dropped = Path(shutil.copy(published, folder / "retail"))
    settings = load_settings(folder / "ecom.toml", {"ECOM_PSEUDONYM_KEY": "a key for one retailer's test"})
    pipeline = Pipeline(settings, clock=lambda: datetime(2011, 12, 10, 6, tzinfo=UTC))
    retailer = Retailer(pipeline, dropped, published, LoadResult(0, 0, 0, 0, ()))
    retailer.first_load = retailer.extract()
    pipeline.compute(FIRST, LAST)
    yield retailer
    shutil.rmtree(folder)


def test_every_row_is_in_the_raw_log(retailer: Retailer) -> None:
    assert (retailer.first_load.rows_read, retailer.first_load.rows_stored) == (541_909, 541_909)
    assert retailer.query(
        """SELECT COUNT(*), COUNT(DISTINCT row_id), COUNT(DISTINCT invoice),
                  COUNT(DISTINCT CASE WHEN invoice LIKE 'C%' THEN invoice END),
                  COUNT(DISTINCT CASE WHEN invoice LIKE 'A%' THEN invoice END),
                  COUNT(DISTINCT customer), COUNT(*) - COUNT(customer),
                  COUNT(*) FILTER (quantity < 0), COUNT(*) FILTER (quantity < 0 AND invoice NOT LIKE 'C%'),
                  COUNT(*) FILTER (price < 0), COUNT(*) FILTER (price = 0),
                  MIN(invoiced_at), MAX(invoiced_at)
           FROM raw.retail__invoice_lines"""
    ) == [
        (
            541_909, 541_909, 25_900, 3_836, 3, 4_372, 135_080, 10_624, 1_336, 2, 2_515,
            datetime(2010, 12, 1, 8, 26), datetime(2011, 12, 9, 12, 50),  # noqa: DTZ001 - UTC, as stored
        )
    ]  # fmt: skip


def test_amounts_in_the_raw_log_are_exactly_the_files(retailer: Retailer) -> None:
    """Four prices have three decimals: the raw log keeps them, the totals are published in whole pence."""
    exact = "SUM(CAST(quantity * price AS DECIMAL(38, 6)))"
    in_file = duckdb.execute(
        f"""SELECT {exact}, {exact} FILTER (invoice LIKE 'C%'),
                   {exact} FILTER (invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0),
                   COUNT(*) FILTER (price <> ROUND(price, 2)), COUNT(DISTINCT country)
            FROM (SELECT InvoiceNo AS invoice, Quantity AS quantity, Country AS country,
                         CAST(UnitPrice AS DECIMAL(18, 6)) AS price
                  FROM read_parquet('{retailer.published}'))"""
    ).fetchall()
    in_log = retailer.query(
        f"""SELECT {exact}, {exact} FILTER (invoice LIKE 'C%'),
                   {exact} FILTER (invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0),
                   COUNT(*) FILTER (price <> ROUND(price, 2)), COUNT(DISTINCT country)
            FROM raw.retail__invoice_lines"""
    )
    total, cancelled, sales, fine_prices, _ = in_log[0]
    assert in_log[0][:4] == in_file[0][:4]
    assert (total, cancelled, sales) == (Decimal("9747747.934"), -CANCELLED, Decimal("10666684.544"))
    assert (round(total, 2), round(sales, 2), fine_prices) == (ALL_ROWS, SALES, 4)
    # 38 countries in the file: 35 have a code; two are groups of countries, one is "Unspecified".
    assert (in_file[0][4], in_log[0][4]) == (38, 35)


def test_sales_and_cancellations_are_those_published(retailer: Retailer) -> None:
    assert retailer.query(
        "SELECT action, COUNT(*), COUNT(DISTINCT line_id), SUM(gross) FROM mapped.sale_lines GROUP BY action ORDER BY 1"
    ) == [("refund", 9_288, 9_288, -CANCELLED), ("sale", 530_144, 530_144, SALES)]
    # And 40 articles given to a customer for nothing.
    assert retailer.query(
        """SELECT COUNT(*) FROM raw.retail__invoice_lines
           WHERE invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0"""
    ) == [(530_144 - 40,)]
    assert retailer.query("SELECT SUM(gross), SUM(discounts), SUM(returns) FROM model.sale_lines") == [
        (SALES, Decimal(0), CANCELLED)
    ]
    assert retailer.query(
        "SELECT COUNT(DISTINCT order_id) FROM mapped.orders WHERE cancelled_at IS NOT NULL"
    ) == [(3_836,)]


def test_kpis_say_the_same(retailer: Retailer) -> None:
    totals = dict(
        retailer.query("SELECT kpi, SUM(numerator) FROM kpi.daily WHERE dimension = 'total' GROUP BY kpi")
    )
    assert totals["gross_merchandise_value"] == SALES
    assert totals["net_sales"] == SALES - CANCELLED == Decimal("9769872.05")
    assert totals["new_customers"] == 4_339
    assert retailer.query(
        "SELECT SUM(orders), SUM(gross), SUM(returns), SUM(net) FROM model.daily_sales"
    ) == [(totals["orders"], SALES, CANCELLED, totals["net_sales"])]
    by_country = "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'country'"
    assert retailer.query(by_country) == [(totals["net_sales"],)]


def test_repeat_rate_is_the_one_known(retailer: Retailer) -> None:
    ((repeating, customers),) = retailer.query(
        """SELECT COUNT(*) FILTER (orders > 1), COUNT(*) FROM (
               SELECT customer, MAX(order_number) AS orders, COUNT(*) AS n FROM model.customer_orders
               WHERE dimension = 'total' GROUP BY customer HAVING COUNT(*) = MAX(order_number))"""
    )
    assert (repeating, customers) == (2_845, 4_339)
    assert round(Decimal(repeating) / customers, 4) == Decimal("0.6557")


def test_repeat_rate_kpi_equals_a_plain_count_over_its_window(retailer: Retailer) -> None:
    ((kpi,), (counted,)) = (
        retailer.query(
            f"""SELECT CAST(numerator AS BIGINT), CAST(denominator AS BIGINT) FROM kpi.daily
                WHERE kpi = 'repeat_purchase_rate' AND dimension = 'total' AND day = '{LAST}'"""
        ),
        duckdb.execute(
            f"""SELECT COUNT(*) FILTER (n > 1), COUNT(*) FROM (
                    SELECT CustomerID, COUNT(DISTINCT InvoiceNo) AS n FROM read_parquet('{retailer.published}')
                    WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND CustomerID IS NOT NULL
                      AND CAST(InvoiceDate AS DATE) > CAST('{LAST}' AS DATE) - 365 GROUP BY CustomerID)"""
        ).fetchall(),
    )
    assert kpi == counted


def test_what_no_source_feeds_is_missing_and_says_so(retailer: Retailer) -> None:
    said = {
        kpi: (state, reason)
        for kpi, state, reason in retailer.query(
            f"SELECT kpi, state, reason FROM kpi.days WHERE day = '{LAST}'"
        )
    }
    assert set(said) == set(retailer.pipeline.kpis)
    fed = {"orders", "net_sales", "gross_merchandise_value", "average_order_value", "discount_rate",
           "units_per_order", "new_customers", "returning_customer_rate", "repeat_purchase_rate",
           "purchase_frequency", "days_between_orders", "churn_rate", "data_freshness",
           "mobile_average_order_value"}  # fmt: skip
    assert {kpi for kpi, (state, _) in said.items() if state == "complete"} == fed
    assert said["return_rate"][0] == "immature", "orders of the last weeks may still come back"
    for kpi, (state, reason) in said.items():
        if kpi not in fed | {"return_rate"}:
            assert state == "missing" and reason.startswith("no source feeds "), kpi
    assert said["conversion_rate"][1] == "no source feeds web_traffic"


def test_running_again_and_dropping_the_file_again_change_nothing(retailer: Retailer) -> None:
    before = retailer.fingerprints()
    assert before["raw.retail__invoice_lines"][0] == 541_909
    retailer.dropped.unlink()
    shutil.copyfile(retailer.published, retailer.dropped)
    again = retailer.extract()
    assert (again.rows_read, again.rows_stored, again.rows_removed) == (541_909, 541_909, 541_909)
    built = retailer.pipeline.compute(FIRST, LAST)
    assert [one.node for one in built if one.days_changed or one.restated] == []
    first, last = date(2011, 3, 25), date(2011, 3, 28)  # the clocks change on the 27th
    part = retailer.extract(first, last)
    assert 0 < part.rows_stored == part.rows_removed < 10_000
    assert sum(one.days_changed + one.restated for one in retailer.pipeline.compute(first, last)) == 0
    assert retailer.fingerprints() == before


def test_customers_are_pseudonyms(retailer: Retailer) -> None:
    assert retailer.query(
        "SELECT COUNT(DISTINCT customer) FROM raw.retail__invoice_lines WHERE NOT REGEXP_FULL_MATCH(customer, '[0-9a-f]{32}')"
    ) == [(0,)]
