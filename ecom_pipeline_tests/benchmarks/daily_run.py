"""The computing part of the daily run on a shop of the demo's size, read from all of its vendors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from ecom_pipeline.demo import ORDERS_PER_DAY, WEEKS
from ecom_pipeline.sandbox.events import GROUP
from ecom_pipeline_tests.benchmarks.rows import Row
from ecom_pipeline_tests.simulation import LAST_DAY, simulate

MORNINGS = 3


def measure_daily_run(folder: Path) -> Iterator[Row]:
    """Compute and publish each of the last days, once everything before them is there."""
    folder.mkdir(parents=True)
    with simulate(
        folder, seed=7, days=WEEKS * 7, orders_per_day=ORDERS_PER_DAY, business=GROUP
    ) as simulation:
        eve = LAST_DAY - timedelta(days=MORNINGS)
        simulation.set_day(eve)
        simulation.run(simulation.shop.first_day, eve)
        computing, publishing = [], []
        for back in range(MORNINGS - 1, -1, -1):
            day = LAST_DAY - timedelta(days=back)
            simulation.set_day(day)
            simulation.extract(day, day)
            began = perf_counter()
            simulation.pipeline.compute(day, day)
            computed = perf_counter()
            simulation.pipeline.publish()
            computing.append(computed - began)
            publishing.append(perf_counter() - computed)
    yield Row(
        "the daily run's computing part, a shop of the demo's size",
        median(computing) + median(publishing), most=5,
    )  # fmt: skip
    yield Row("  … of it publishing", median(publishing))
