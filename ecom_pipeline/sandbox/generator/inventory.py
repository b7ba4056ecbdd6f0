"""What lies on the shelf at each day's end."""

from __future__ import annotations

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator.clock import Clock


def tell(shop: Shop, clock: Clock) -> None:
    """Add the facts to the shop."""
