"""Emission factors: what one unit of an activity emits, each with its source and year."""

from ecom_pipeline.sources.emission_factors.source import EmissionFactors

__all__ = ["EmissionFactors"]
