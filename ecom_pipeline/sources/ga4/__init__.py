"""Google Analytics 4: the shop's web traffic."""

from ecom_pipeline.sources.ga4.source import Ga4

__all__ = ["Ga4"]
