"""Zendesk: tickets of a service desk and what customers thought of the answers."""

from ecom_pipeline.sources.zendesk.source import Zendesk

__all__ = ["Zendesk"]
