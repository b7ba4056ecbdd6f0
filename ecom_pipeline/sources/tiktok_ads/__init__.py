"""TikTok Ads: what campaigns on TikTok cost and brought."""

from ecom_pipeline.sources.tiktok_ads.source import TikTokAds

__all__ = ["TikTokAds"]
