"""Gorgias: tickets of a service desk and what customers thought of the answers."""

from ecom_pipeline.sources.gorgias.source import Gorgias

__all__ = ["Gorgias"]
