"""Files: CSV or Parquet dropped into a folder, for data that has no API and for migrations."""

from ecom_pipeline.sources.files.source import Files

__all__ = ["Files"]
