"""Shops and reports that several tests look at; made once, they are only read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import Report, compute_report, render_html, render_pdf
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop
from ecom_pipeline_tests.reports.stories import CASES


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Kpi]:
    return make_catalogue()


@pytest.fixture(scope="session")
def troubled_shop(catalogue: dict[str, Kpi]) -> duckdb.DuckDBPyConnection:
    return make_shop(catalogue, Story(mobile_breaks=True, campaign_burns=True, fixed_costs=2600))


@pytest.fixture(scope="session")
def troubled(catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection) -> Report:
    return compute_report(troubled_shop, catalogue, make_request())


@pytest.fixture(scope="session")
def usual(catalogue: dict[str, Kpi]) -> Report:
    return compute_report(make_shop(catalogue), catalogue, make_request())


@pytest.fixture(scope="session")
def incomplete(catalogue: dict[str, Kpi]) -> Report:
    return compute_report(make_shop(catalogue, Story(web_is_missing=True)), catalogue, make_request())


@pytest.fixture(scope="session")
def young(catalogue: dict[str, Kpi]) -> Report:
    shop = make_shop(catalogue, Story(weeks=3, restates=False))
    return compute_report(shop, catalogue, make_request(targets={}))


@pytest.fixture(scope="session")
def compute_case(catalogue: dict[str, Kpi]) -> Callable[[str], Report]:
    """Computes a case's report, once a session."""
    return cache(lambda case: CASES[case].compute(catalogue))


@pytest.fixture(scope="session")
def print_case(
    compute_case: Callable[[str], Report], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Prints a case's report in a language, once a session; its HTML lies beside it."""
    folder = tmp_path_factory.mktemp("cases")

    @cache
    def print_one(case: str, language: str) -> Path:
        html, path = render_html(compute_case(case), language), folder / f"{case}-{language}.pdf"
        path.with_suffix(".html").write_text(html, encoding="utf-8")
        render_pdf(html, path)
        return path

    return print_one
