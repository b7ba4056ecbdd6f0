"""An independent computation of every KPI from the simulated shop's own events."""

from __future__ import annotations

from ecom_pipeline.sandbox.oracle.oracle import Oracle

__all__ = ["Oracle"]
