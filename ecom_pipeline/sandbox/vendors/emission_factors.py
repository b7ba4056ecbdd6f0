"""Emission factors need no vendor: the pipeline brings its own table, and this says that it is read."""

from __future__ import annotations

from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import World


def instances(world: World, url: str) -> list[Instance]:
    """The table shipped with the product."""
    return [Instance("factors", "emission_factors")]
