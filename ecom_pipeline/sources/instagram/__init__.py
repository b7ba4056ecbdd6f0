"""Instagram: who saw the shop's account, and what they did."""

from ecom_pipeline.sources.instagram.source import Instagram

__all__ = ["Instagram"]
