"""Stock and fulfilment: what lies on the shelf, what runs out, how long an order takes."""

from __future__ import annotations

from ecom_pipeline.sandbox.oracle.figures import Kpi

KPIS: dict[str, Kpi] = {}
