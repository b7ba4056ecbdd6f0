"""Google Ads: what campaigns cost and brought."""

from ecom_pipeline.sources.google_ads.source import GoogleAds

__all__ = ["GoogleAds"]
