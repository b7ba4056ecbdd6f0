"""Typeform: answers to the recommendation survey."""

from ecom_pipeline.sources.typeform.source import Typeform

__all__ = ["Typeform"]
