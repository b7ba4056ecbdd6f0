"""Meta Ads: what campaigns on Facebook and Instagram cost and brought."""

from ecom_pipeline.sources.meta_ads.source import MetaAds

__all__ = ["MetaAds"]
