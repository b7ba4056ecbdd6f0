"""The organic search figures as the CSV a shop owner downloads from the search console.

These figures have no twin among the vendors: the pipeline reads them from a file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Shop

COLUMNS = ("Date", "Device", "Country", "Clicks", "Impressions", "Position")


def write_search_export(shop: Shop, path: Path, as_of: datetime) -> int:
    """Write the days that were over at `as_of` and return how many rows; position has six decimals.

    Six decimals make the product of position and impressions exact again to the tenth it came from,
    for up to 100,000 impressions a row.
    """
    rows = list(search_rows(shop, as_of))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)


def search_rows(shop: Shop, as_of: datetime) -> Iterator[tuple[str, str, str, int, int, str]]:
    today = as_of.astimezone(ZoneInfo(shop.time_zone)).date()
    for row in sorted(shop.search, key=lambda row: (row.day, row.device, row.country)):
        if row.day < today and row.impressions:
            position = (row.position_sum / row.impressions).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            day, device = row.day.isoformat(), row.device.upper()
            yield day, device, row.country, row.clicks, row.impressions, str(position)
