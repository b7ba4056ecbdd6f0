"""The shop that every source is held to the common contract with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecom_pipeline.sandbox.events import ONE_SHOP

from ..simulation import Simulation, simulate
from .contract_suite import Ticks


@pytest.fixture(scope="class")
def contract_simulation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Simulation]:
    """Six weeks of a small shop over the end of summer time, served over HTTP. Tests leave it as it was.

    One for each vendor: what a failed reading leaves behind at a vendor must not hinder the others.
    """
    business = request.cls.business if request.cls else ONE_SHOP
    orders_per_day = request.cls.orders_per_day if request.cls else 6
    folder = tmp_path_factory.mktemp("contract")
    with simulate(folder, seed=11, days=42, orders_per_day=orders_per_day, business=business) as simulation:
        simulation.world.ticks = Ticks(simulation.world.ticks())
        yield simulation
