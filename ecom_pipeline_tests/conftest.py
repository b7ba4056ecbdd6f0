"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecom_pipeline_tests.simulation import Simulation, simulate

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of vendor specifications and real data beside the checkout; skips where there is none."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "specs").is_dir():
        pytest.skip("needs the folder ../shared with vendor specifications and real data beside the checkout")
    return folder


@pytest.fixture
def small_shop(tmp_path: Path) -> Iterator[Simulation]:
    """Six weeks of a small shop, served over HTTP, nothing extracted yet."""
    with simulate(tmp_path, seed=11, days=42, orders_per_day=4) as simulation:
        yield simulation
