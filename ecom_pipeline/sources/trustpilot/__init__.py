"""Trustpilot: reviews of the shop."""

from ecom_pipeline.sources.trustpilot.source import Trustpilot

__all__ = ["Trustpilot"]
