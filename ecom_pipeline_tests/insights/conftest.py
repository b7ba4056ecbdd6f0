"""A business of several shops, read and computed once for the questions asked of it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline.warehouse.connection import open_warehouse
from ecom_pipeline_tests.simulation import Simulation, simulate


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Fourteen months, so that every window is filled."""
    folder = tmp_path_factory.mktemp("asked")
    with simulate(folder, seed=41, days=426, orders_per_day=8, business=GROUP) as simulation:
        simulation.run()
        simulation.pipeline.publish()
        yield simulation


@pytest.fixture
def warehouse(asked: Simulation) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(asked.warehouse) as connection:
        yield connection
