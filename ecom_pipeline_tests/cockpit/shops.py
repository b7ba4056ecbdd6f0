"""Shops a cockpit is made of: the report's synthetic ones, with cohorts, with many products, with hostile names."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb

from ecom_pipeline.cockpit import Cockpit, CockpitRequest, compute_cockpit
from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports.audience import make_audience
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, make_request, make_shop

USUAL = Story()
HOSTILE = (
    '<img src=x onerror="document.title=1">',
    "</script><script>document.title=2</script>",
    '=HYPERLINK("https://evil.example")',
    "“ ; , \" ' & <b>",
    "Campagne d’automne pour les amateurs de bougies parfumées et de linge de maison",
)


def make_cockpit_request(kpis: dict[str, Kpi], **changes: object) -> CockpitRequest:
    """The report's usual request as a cockpit's, with some parts changed."""
    usual = make_request()
    parts: dict[str, object] = {
        "shop_name": usual.shop_name,
        "currency": usual.currency,
        "newest_day": SUNDAY,
        "audience": make_audience("direction", {}, ESSENTIALS, kpis, questions()),
        "targets": usual.targets,
        "minimum_coverage": usual.minimum_coverage,
        "generated_at": datetime(2026, 11, 23, 5, 30, tzinfo=UTC),
    }
    return CockpitRequest(**(parts | changes))  # type: ignore[arg-type]


def make_cockpit(kpis: dict[str, Kpi], story: Story = USUAL, **changes: object) -> Cockpit:
    """The cockpit of a synthetic shop."""
    connection = make_shop(kpis, story)
    add_cohorts(connection)
    return compute_cockpit(connection, kpis, make_cockpit_request(kpis, **changes))


def add_cohorts(connection: duckdb.DuckDBPyConnection) -> None:
    """A year of cohorts: each month's customers, who came back, and after how many days they paid back."""
    connection.execute(
        """
        CREATE SCHEMA IF NOT EXISTS model;
        CREATE TABLE model.cohort_months (
            day DATE, dimension VARCHAR, segment VARCHAR, months_later INTEGER, customers BIGINT,
            active_customers BIGINT, contribution DECIMAL(18, 4), acquisition_cost DECIMAL(18, 4));
        CREATE TABLE model.cohort_paybacks (day DATE, dimension VARCHAR, segment VARCHAR, payback_days INTEGER);
        INSERT INTO model.cohort_months
        SELECT CAST(DATE '2025-10-01' + INTERVAL (m) MONTH AS DATE), 'total', '', k, 1000 + 10 * m,
            CASE k WHEN 0 THEN 1000 + 10 * m ELSE 150 - 7 * k END,
            (1000 + 10 * m) * (18 + 2.5 * k), CASE m WHEN 3 THEN NULL ELSE (1000 + 10 * m) * 24.5 END
        FROM range(13) AS a(m), range(13) AS b(k) WHERE m + k < 13;
        INSERT INTO model.cohort_paybacks
        SELECT CAST(DATE '2025-10-01' + INTERVAL (m) MONTH AS DATE), 'total', '', CASE m WHEN 3 THEN NULL ELSE 80 + m END
        FROM range(13) AS a(m);
        """
    )


def add_products(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Cut every KPI that is cut by product into so many products that add up to its total, exactly."""
    connection.execute(
        """
        CREATE TEMP TABLE cut AS SELECT DISTINCT kpi FROM kpi.daily WHERE dimension = 'product';
        DELETE FROM kpi.daily WHERE dimension = 'product';
        """
    )
    connection.execute(
        """
        INSERT INTO kpi.daily (kpi, day, dimension, segment, numerator, denominator)
        SELECT t.kpi, t.day, 'product', 'Bougie parfumée n° ' || p,
            ROUND(CAST(t.numerator AS DECIMAL(28, 4)) * (1 + HASH(p, t.day, t.kpi) % 1000) / 750000, 2),
            ROUND(CAST(t.denominator AS DECIMAL(28, 4)) * (1 + HASH(p, t.day) % 1000) / 750000, 2)
        FROM kpi.daily AS t JOIN cut USING (kpi), range(?) AS r(p)
        WHERE t.dimension = 'total' AND (t.day > ? OR t.day BETWEEN ? AND ?)
        """,
        [number, date(2026, 8, 20), date(2025, 9, 15), date(2025, 11, 23)],
    )
    connection.execute(
        """
        UPDATE kpi.daily AS t SET numerator = s.numerator, denominator = s.denominator
        FROM (SELECT kpi, day, SUM(numerator) AS numerator, SUM(denominator) AS denominator
              FROM kpi.daily WHERE dimension = 'product' GROUP BY kpi, day) AS s
        WHERE t.dimension = 'total' AND t.kpi = s.kpi AND t.day = s.day
        """
    )
