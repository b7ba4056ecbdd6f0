"""Finds the simulated vendors, and what a pipeline must be told to read each of them.

Every module in `vendors` with a function `routes(world)` is served; one with a function
`instances(world, url)` also says under which source names, settings and secrets it is read. Nothing
is registered by hand.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox import vendors
from ecom_pipeline.sandbox.world import World


@dataclass(frozen=True)
class Instance:
    """One source of `ecom.toml`: its name, its settings as they stand there, its secrets by field."""

    name: str
    vendor: str
    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The secrets under the names the pipeline reads them by."""
        return {f"ECOM_{self.name}_{key}".upper(): value for key, value in self.secrets.items()}


def twins() -> Iterator[ModuleType]:
    """The vendors' modules, in the order of their names."""
    for name in sorted(module.name for module in pkgutil.iter_modules(vendors.__path__)):
        yield importlib.import_module(f"{vendors.__name__}.{name}")


def vendor_routes(world: World) -> list[BaseRoute]:
    """What every vendor answers."""
    return [route for twin in twins() if hasattr(twin, "routes") for route in twin.routes(world)]


def vendor_instances(world: World, url: str) -> list[Instance]:
    """Every source the business reads, when the vendors are served at `url`."""
    found = [
        instance for twin in twins() if hasattr(twin, "instances") for instance in twin.instances(world, url)
    ]
    return sorted(
        (one for one in found if world.shop.business.reads(one.name)), key=lambda instance: instance.name
    )


def to_json(instances: list[Instance]) -> list[dict[str, Any]]:
    """The instances for a process that asks over HTTP."""
    return [asdict(instance) for instance in instances]


def from_json(told: list[dict[str, Any]]) -> list[Instance]:
    """The instances another process told of."""
    return [Instance(**one) for one in told]
