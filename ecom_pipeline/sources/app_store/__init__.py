"""App Store Connect: how often the shop's app is loaded onto Apple's devices."""

from ecom_pipeline.sources.app_store.source import AppStore

__all__ = ["AppStore"]
