"""Sustainability and social responsibility."""

from __future__ import annotations

from ecom_pipeline.sandbox.oracle.figures import Kpi

KPIS: dict[str, Kpi] = {}
