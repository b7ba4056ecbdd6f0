"""The European Central Bank: euro reference rates."""

from ecom_pipeline.sources.ecb.source import Ecb

__all__ = ["Ecb"]
