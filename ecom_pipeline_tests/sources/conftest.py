"""The shop that every source is held to the common contract with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..simulation import Simulation, simulate
from .contract_suite import Ticks


@pytest.fixture(scope="class")
def contract_simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Six weeks of a small shop over the end of summer time, served over HTTP. Tests leave it as it was.

    One for each vendor: what a failed reading leaves behind at a vendor must not hinder the others.
    """
    with simulate(tmp_path_factory.mktemp("contract"), seed=11, days=42, orders_per_day=6) as simulation:
        simulation.world.ticks = Ticks(simulation.world.ticks())
        yield simulation
