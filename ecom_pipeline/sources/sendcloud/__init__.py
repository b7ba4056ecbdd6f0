"""Sendcloud: the shop's parcels, there and back."""

from ecom_pipeline.sources.sendcloud.source import Sendcloud

__all__ = ["Sendcloud"]
