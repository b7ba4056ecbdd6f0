"""Google Search Console: how a shop is found in Google's organic results."""

from ecom_pipeline.sources.search_console.source import SearchConsole

__all__ = ["SearchConsole"]
