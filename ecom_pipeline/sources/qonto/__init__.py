"""Qonto: the shop's bank accounts."""

from ecom_pipeline.sources.qonto.source import Qonto

__all__ = ["Qonto"]
