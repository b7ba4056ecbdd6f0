"""Klaviyo: the shop's letters and SMS, and how many people may be written to."""

from ecom_pipeline.sources.klaviyo.source import Klaviyo

__all__ = ["Klaviyo"]
