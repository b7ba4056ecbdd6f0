"""Judge.me: reviews of a shop's products."""

from ecom_pipeline.sources.judgeme.source import JudgeMe

__all__ = ["JudgeMe"]
