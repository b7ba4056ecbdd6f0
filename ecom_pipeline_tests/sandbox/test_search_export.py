"""The organic search file: complete days only, positions that multiply back."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.search_export import write_search_export


def test_export_holds_every_day_that_is_over(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "search.csv"
    count = write_search_export(shop, path, datetime(2026, 2, 10, 22, 30, tzinfo=UTC))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = {
        (s.day.isoformat(), s.device.upper(), s.country): s
        for s in shop.search
        if s.day < date(2026, 2, 10) and s.impressions
    }
    assert count == len(rows) == len(expected) > 100
    assert list(rows[0]) == ["Date", "Device", "Country", "Clicks", "Impressions", "Position"]
    for row in rows:
        facts = expected[row["Date"], row["Device"], row["Country"]]
        assert (int(row["Clicks"]), int(row["Impressions"])) == (facts.clicks, facts.impressions)
        product = Decimal(row["Position"]) * facts.impressions
        assert product.quantize(Decimal("0.1"), ROUND_HALF_UP) == facts.position_sum
