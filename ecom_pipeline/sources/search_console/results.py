"""The one query asked of the Search Console, and how its rows become ours.

The position is a mean and cannot be added up; position times impressions can, so that is kept. Its days are
Pacific ones. Countries come with three small letters; the rest of the product uses two capital ones.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.core import get_global

from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

DIMENSIONS = ("date", "device", "country")
NOWHERE = "zzz"
MILLIONTH = Decimal("0.000001")

SEARCH_RESULTS = Table(
    name="search_results",
    grain="Organic results of one Pacific day, device and country; what was not shown has no row.",
    change=Change.RESTATED,
    key=("day", "device", "country_alpha_3"),
    day="day",
    # Google finishes a day after two to three of its own, now and then a little later. A day that was not
    # finished when it was last read would stay empty, so there is some room.
    restate_days=7,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("device", Type.STRING, required=True),
        Column("country_alpha_3", Type.STRING, required=True),
        Column("country", Type.STRING),
        Column("clicks", Type.INTEGER, required=True),
        Column("impressions", Type.INTEGER, required=True),
        Column("position_sum", Type.DECIMAL, required=True),
    ),
    docs="Search Console API, searchAnalytics.query of the search type web by date, device and country, final "
    "data only. Days are those of Pacific time. position_sum is position times impressions.",
)


def query_body(first_day: date, last_day: date, page_rows: int) -> dict[str, Any]:
    """The query without its place in the paging."""
    return {
        "startDate": first_day.isoformat(),
        "endDate": last_day.isoformat(),
        "dimensions": list(DIMENSIONS),
        "searchType": "web",
        "dataState": "final",
        "rowLimit": page_rows,
    }


def parsed_rows(answer: Any, subject: str) -> list[Row]:
    """The rows of an answer; one without any has not even the list.

    Raises:
        SchemaError: a field is missing or of another type.
    """
    fields = Fields(answer, "answer", subject)
    return (
        [_row(Fields(item, "row", subject)) for item in fields.items("rows")] if "rows" in fields.item else []
    )


def _row(row: Fields) -> Row:
    keys = row.items("keys")
    if len(keys) != len(DIMENSIONS) or not all(isinstance(key, str) for key in keys):
        raise row.error("the field keys", "does not name day, device and country", keys)
    day, device, country = keys
    impressions = _whole(row, "impressions")
    return {
        "day": _day(row, day),
        "device": device,
        "country_alpha_3": country,
        "country": _alpha_2(country),
        "clicks": _whole(row, "clicks"),
        "impressions": impressions,
        "position_sum": (row.number("position") * impressions).quantize(MILLIONTH, ROUND_HALF_UP),
    }


def _whole(row: Fields, name: str) -> int:
    """A count, which comes as a floating number."""
    value = row.number(name)
    if value != int(value):
        raise row.error(f"the field {name}", "is no whole number", value)
    return int(value)


def _day(row: Fields, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise row.error("the first of keys", "is no day", text) from None


def _alpha_2(country: str) -> str | None:
    """Two letters for three, from the Unicode locale data; None when Google does not know the country."""
    if country.lower() == NOWHERE:
        return None
    code = country.upper()
    known: list[str] = get_global("territory_aliases").get(code, [])
    return known[0] if len(known) == 1 else code
