"""Sendcloud's one stream, and what is kept of a parcel: no name and of the address the country only."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Table, Type
from ecom_pipeline.sources.failures import TruncatedAnswerError
from ecom_pipeline.sources.fields import Fields

DIRECTIONS = ("outgoing", "incoming")
# The direction comes last: one of two words, so that a file cut off within its last cell is noticed.
REPORT_FIELDS = (
    "parcel_id",
    "carrier_name",
    "from_address_country_code",
    "to_address_country_code",
    "order_number",
    "integration_id",
    "announced_at",
    "shipped_at",
    "delivered_at",
    "weight",
    "direction",
)
GRAMS = {"kg": 1000, "g": 1}

PARCELS = Table(
    name="parcels",
    grain="One parcel, to a customer or back, on the day its label was made, with how far it has come.",
    change=Change.RESTATED,
    key=("parcel_id",),
    day="day",
    columns=(
        Column("parcel_id", Type.STRING, required=True),
        Column("day", Type.DATE, required=True),
        Column("shop", Type.STRING),
        Column("order_number", Type.STRING),
        Column("carrier", Type.STRING),
        Column("country", Type.STRING),
        Column("weight_grams", Type.INTEGER),
        Column("is_return", Type.BOOLEAN, required=True),
        Column("kilometres", Type.INTEGER),
        Column("by_air", Type.BOOLEAN, required=True),
        Column("announced_at", Type.TIMESTAMP, required=True),
        Column("shipped_at", Type.TIMESTAMP),
        Column("delivered_at", Type.TIMESTAMP),
    ),
    docs="Sendcloud API v3, Reporting, Create and Retrieve a parcels report: a CSV of the columns asked for, of "
    "parcels announced in a span, either outgoing or incoming; 100,000 rows at most.",
)


def read_report(content: bytes, named: str) -> Iterator[Fields]:
    """The parcels of a report's file.

    Raises:
        TruncatedAnswerError: the file breaks off. SchemaError: it is no text.
    """
    try:
        lines = csv.reader(content.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError:
        raise SchemaError(f"{named}: the report is no text.", why="Its form changed.", mend=MEND) from None
    header = next(lines, [])
    for cells in lines:
        if len(cells) != len(header):
            raise cut_off(named)
        yield Fields(dict(zip(header, (cell or None for cell in cells), strict=True)), "parcel", named)


def own_columns(item: Fields, weight_unit: str) -> dict[str, Any]:
    """What the report itself tells of a parcel. Raises SchemaError when it is not as documented."""
    direction = item.text("direction")
    if direction not in DIRECTIONS:
        if any(word.startswith(direction) for word in DIRECTIONS):
            raise cut_off(item.subject)
        raise SchemaError(
            f"{item.subject}: a parcel's direction is neither outgoing nor incoming.",
            why="Sendcloud changed its API.",
            mend=MEND,
        )
    is_return = direction == "incoming"
    return {
        "parcel_id": item.text("parcel_id"),
        "order_number": item.optional_text("order_number"),
        "carrier": item.optional_text("carrier_name"),
        "country": item.optional_text(f"{'from' if is_return else 'to'}_address_country_code"),
        "weight_grams": grams(item, weight_unit),
        "is_return": is_return,
        "announced_at": instant(item, "announced_at"),
        "shipped_at": optional_instant(item, "shipped_at"),
        "delivered_at": optional_instant(item, "delivered_at"),
    }


def grams(item: Fields, unit: str) -> int | None:
    """The weight in whole grams; None when nobody weighed the parcel."""
    text = item.optional_text("weight")
    try:
        weight = Decimal(text or 0) * GRAMS[unit]
    except InvalidOperation:
        raise item.error("the field weight", "is no number", text) from None
    return int(weight.to_integral_value()) or None


def instant(item: Fields, name: str) -> datetime:
    """A time; one without a zone is UTC, as in the API's filters."""
    text = item.text(name)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise item.error(f"the field {name}", "is no time", text) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def optional_instant(item: Fields, name: str) -> datetime | None:
    return None if item.value(name) is None else instant(item, name)


def cut_off(named: str) -> TruncatedAnswerError:
    return TruncatedAnswerError(
        f"{named}: the report is cut off.",
        why="A line ends in the middle.",
        mend="Run this window again.",
    )


MEND = "Nothing was stored of this table. Look for a newer version of the product."
