"""Cockpits that several tests look at; made once, they are only read."""

from __future__ import annotations

import duckdb
import pytest

from ecom_pipeline.cockpit import Cockpit, compute_cockpit
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline_tests.cockpit.shops import add_cohorts, make_cockpit_request
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.shop import Story, make_shop


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Kpi]:
    return make_catalogue()


@pytest.fixture(scope="session")
def troubled_shop(catalogue: dict[str, Kpi]) -> duckdb.DuckDBPyConnection:
    connection = make_shop(catalogue, Story(mobile_breaks=True, campaign_burns=True, fixed_costs=2600))
    add_cohorts(connection)
    return connection


@pytest.fixture(scope="session")
def troubled(catalogue: dict[str, Kpi], troubled_shop: duckdb.DuckDBPyConnection) -> Cockpit:
    return compute_cockpit(troubled_shop, catalogue, make_cockpit_request(catalogue))


@pytest.fixture(scope="session")
def product() -> dict[str, Kpi]:
    """The product's own KPIs."""
    return kpis()
