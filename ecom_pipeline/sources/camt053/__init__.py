"""CAMT.053: bank statements as XML files, which almost every bank can send."""

from ecom_pipeline.sources.camt053.source import Camt053

__all__ = ["Camt053"]
