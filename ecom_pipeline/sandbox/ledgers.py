"""What the shop's people write into files: energy bills, waste, material, head counts, gifts.

No tool tells these, so the pipeline reads them as CSVs from a folder, with the tables it has ready.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import Activity, Shop

LEDGERS = ("energy", "hosting", "packaging", "waste", "materials", "workforce", "contributions")
KINDS = {
    "energy": "energy",
    "hosting": "hosting",
    "packaging": "packaging",
    "waste": "waste",
    "materials": "material",
}
COLUMNS = {
    "energy": ("From", "To", "Site", "Energy", "kWh"),
    "hosting": ("From", "To", "Site", "Energy", "kWh"),
    "packaging": ("Day", "Site", "Material", "kg", "Sustainable"),
    "waste": ("From", "To", "Site", "Waste", "kg", "Recycled"),
    "materials": ("Day", "Site", "Material", "kg", "Sustainable"),
    "workforce": ("Day", "Grouping", "Group", "People", "Managers"),
    "contributions": ("Day", "Amount", "Currency", "Hours"),
}  # fmt: skip
Cell = date | str | int | Decimal


def write_ledgers(shop: Shop, folder: Path, as_of: datetime) -> None:
    """Write every ledger into the folder, with what was over at `as_of`."""
    folder.mkdir(parents=True, exist_ok=True)
    today = as_of.astimezone(ZoneInfo(shop.time_zone)).date()
    for ledger in LEDGERS:
        with (folder / f"{ledger}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS[ledger])
            writer.writerows(_rows(shop, ledger, today))


def _rows(shop: Shop, ledger: str, today: date) -> Iterator[tuple[Cell, ...]]:
    if ledger == "workforce":
        for count in shop.headcounts:
            if count.day < today:
                yield count.day, count.dimension, count.group, count.headcount, count.managers
    elif ledger == "contributions":
        for gift in shop.contributions:
            if gift.day < today:
                yield gift.day, Decimal(gift.amount) / 100, gift.currency, gift.hours
    else:
        for one in shop.activities:
            if one.kind == KINDS[ledger] and one.last_day < today:
                yield _activity(ledger, one)


def _activity(ledger: str, one: Activity) -> tuple[Cell, ...]:
    answer = "yes" if one.is_sustainable else "no"
    if ledger in ("energy", "hosting"):
        return one.day, one.last_day, one.site, one.activity, one.quantity
    if ledger == "waste":
        return one.day, one.last_day, one.site, one.activity, one.quantity, answer
    return one.day, one.site, one.activity, one.quantity, answer
