"""Shops and reports that several tests look at; made once, they are only read."""

from __future__ import annotations

import duckdb
import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import Report, compute_report
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop


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
