"""OneSignal: the shop's pushes, and how many devices they reach."""

from ecom_pipeline.sources.onesignal.source import OneSignal

__all__ = ["OneSignal"]
