"""Warehouses of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ecom_pipeline.warehouse.connection import open_warehouse


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse."""
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened
