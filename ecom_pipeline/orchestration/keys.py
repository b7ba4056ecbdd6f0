"""What everything is called in the lineage graph."""

from __future__ import annotations

import dagster as dg

from ecom_pipeline.periods import Rhythm
from ecom_pipeline.warehouse.catalog import Node

PUBLISHED = dg.AssetKey(["published"])
COMPUTING_POOL = "warehouse"
TEAMS = {
    "sales": "team:sales",
    "profit": "team:finance",
    "loyalty": "team:marketing",
    "website": "team:marketing",
    "marketing": "team:marketing",
    "stock": "team:operations",
    "service": "team:service",
    "mobile": "team:marketing",
    "social": "team:marketing",
    "sustainability": "team:operations",
}
DATA_TEAM = "team:data"
LANGUAGE_NAMES = {"fr": "French", "en": "English"}

OWN_BACKFILL_TAG = "ecom-pipeline/backfill"
LATE_TAG = "ecom-pipeline/late"  # an extract of what was missing in the morning, tried again
BACKFILL_TAGS = {"dagster/backfill", OWN_BACKFILL_TAG}  # of the UI, of `ecom-pipeline backfill`
PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def extract_key(source: str, table: str) -> dg.AssetKey:
    return dg.AssetKey([source, table])


def node_key(node: Node) -> dg.AssetKey:
    if node.kpi is not None:
        return dg.AssetKey(["kpi", node.kpi.family, node.kpi.key])
    return dg.AssetKey(["model", node.name.removeprefix("model.")])


def report_key(rhythm: Rhythm, audience: str, language: str) -> dg.AssetKey:
    return dg.AssetKey(["report", f"{rhythm}_{audience}_{language}"])


def delivery_key(rhythm: Rhythm, audience: str, language: str) -> dg.AssetKey:
    return dg.AssetKey(["delivery", f"{rhythm}_{audience}_{language}"])


def cockpit_key(audience: str, language: str) -> dg.AssetKey:
    return dg.AssetKey(["cockpit", f"{audience}_{language}"])


def source_group(family: str) -> str:
    return f"sources_{family}"
