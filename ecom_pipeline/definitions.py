"""What Dagster loads: the configuration nearest to the working directory, as assets. Assembly only."""

from __future__ import annotations

from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import load_settings

defs = build_definitions(Pipeline(load_settings()))
