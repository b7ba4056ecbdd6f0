"""The monthly report: the same parts as the weekly one, of calendar months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.insights.targets import Span, Target
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.reports import Report, compute_report, render_html, render_mail
from ecom_pipeline.reports.audience import make_audience
from ecom_pipeline.reports.writer import Writer
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop

OCTOBER = date(2026, 10, 31)
TARGETS = {"net_sales": (Target(amounts={Span.MONTH: Decimal("260000"), Span.YEAR: Decimal("3000000")}),)}


@pytest.fixture(scope="module")
def shop(catalogue: dict[str, Kpi]) -> duckdb.DuckDBPyConnection:
    return make_shop(catalogue, Story(weeks=120))


@pytest.fixture(scope="module")
def october(catalogue: dict[str, Kpi], shop: duckdb.DuckDBPyConnection) -> Report:
    return compute_report(shop, catalogue, make_request(OCTOBER, Rhythm.MONTHLY, targets=TARGETS))


def total(shop: duckdb.DuckDBPyConnection, kpi: str, month: str) -> Decimal:
    rows = shop.execute(
        "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = ? AND dimension = 'total' AND STRFTIME(day, '%Y-%m') = ?",
        [kpi, month],
    ).fetchall()
    return Decimal(rows[0][0])


def test_a_month_is_compared_with_the_one_before_and_its_namesake(
    october: Report, shop: duckdb.DuckDBPyConnection
) -> None:
    figure = october.figures["net_sales"]
    assert figure.current.value == total(shop, "net_sales", "2026-10")
    assert figure.previous.value == total(shop, "net_sales", "2026-09")
    assert figure.previous_year.value == total(shop, "net_sales", "2025-10")
    assert len(figure.history) == 25
    assert figure.history[-13] == total(shop, "net_sales", "2025-10")


def test_its_target_is_the_months_and_its_progress_the_years(
    october: Report, shop: duckdb.DuckDBPyConnection
) -> None:
    figure = october.figures["net_sales"]
    assert figure.target == Decimal("260000")
    assert figure.progress is not None
    assert (figure.progress.first_day, figure.progress.last_day) == (date(2026, 1, 1), date(2026, 12, 31))
    so_far = sum(total(shop, "net_sales", f"2026-{month:02d}") for month in range(1, 11))
    assert figure.progress.actual == so_far


def test_a_kpi_that_matures_in_a_month_is_that_of_the_month_before(october: Report) -> None:
    assert october.figures["return_rate"].period.name == "2026-09"


@pytest.mark.parametrize(
    ("language", "title", "subject", "week"),
    [("fr", "Octobre 2026", "octobre 2026", "semaine"), ("en", "October 2026", "October 2026", "week")],
)
def test_it_speaks_of_months(language: str, title: str, subject: str, week: str, october: Report) -> None:
    html, mail = render_html(october, language), render_mail(october, language)
    assert title in html
    assert subject in mail.subject
    page = html[html.index('class="page-one"') : html.index('class="family')]
    forecast = "quatre dernières semaines" if language == "fr" else "last four weeks"
    for text in (page, mail.text, mail.html):
        assert week not in text.replace(forecast, "").lower()


def test_days_of_a_month_are_told_as_runs(october: Report) -> None:
    writer = Writer(october, "en")
    days = [date(2026, 10, day) for day in (3, 4, 5, 6, 20, 30, 31)]
    assert writer.days(days) == "Sat 3 – Tue 6, Tue 20, Fri 30, Sat 31"
    assert writer.days([date(2026, 10, day) for day in range(1, 32)]) == "the whole month"


def test_an_audience_reads_its_own_kpis_in_its_own_order(
    catalogue: dict[str, Kpi], shop: duckdb.DuckDBPyConnection
) -> None:
    chosen = {"kpis": ("website", "orders", "sales"), "essentials": ("sessions", "orders"), "questions": ()}
    audience = make_audience("night_shift", chosen, (), catalogue, questions())
    report = compute_report(shop, catalogue, make_request(audience=audience))
    assert [section.family for section in report.sections] == ["website", "sales"]
    told = [key for section in report.sections for key in section.kpis]
    assert sorted(told) == sorted(audience.kpis)
    assert report.bridge is None, "whoever does not read the margin is not shown the way to it"
    assert report.channels is None
    assert report.answers == ()
    html = render_html(report, "fr")
    assert "Night shift" in html
    for key, kpi in catalogue.items():
        shown = f'<th scope="row">{kpi.name.fr}'.replace("'", "’") in html
        assert shown == (key in audience.kpis), key
