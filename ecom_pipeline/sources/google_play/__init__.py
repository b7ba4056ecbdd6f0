"""Google Play: how often the shop's app is installed on Android, and on how many devices it is."""

from ecom_pipeline.sources.google_play.source import GooglePlay

__all__ = ["GooglePlay"]
