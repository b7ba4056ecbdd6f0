"""A daily sales report, and how its lines become ours: units by app and country, by what was loaded.

The report tells sales within the app too; only lines of the kinds named in the settings are counted. Prices and
codes are not kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

APP, KIND, UNITS, COUNTRY, DAY = (
    "Apple Identifier", "Product Type Identifier", "Units", "Country Code", "Begin Date",
)  # fmt: skip
COLUMNS = (APP, KIND, UNITS, COUNTRY, DAY)

INSTALLS = Table(
    name="installs",
    grain="One app in one country on one Pacific day; a day on which nobody loaded anything has no row.",
    change=Change.RESTATED,
    key=("day", "app", "country"),
    day="day",
    # A report is ready on the next Pacific morning, late in the European day, or days later; the day on which it
    # is missed must still be read.
    restate_days=8,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("app", Type.STRING, required=True),
        Column("country", Type.STRING, required=True),
        Column("first_downloads", Type.INTEGER, required=True),
        Column("redownloads", Type.INTEGER, required=True),
        Column("updates", Type.INTEGER, required=True),
    ),
    docs="App Store Connect API, salesReports: SALES, SUMMARY, DAILY, version 1_0, a gzipped table with tabs. "
    "Units are counted by product type identifier, as the settings sort them.",
)


class CutOffError(Exception):
    """The file ends before its end."""


def report_rows(content: bytes, day: date, kinds: Mapping[str, frozenset[str]], subject: str) -> list[Row]:
    """The rows of one day's file. `kinds` names the product types that make each of our counts.

    Raises:
        CutOffError: the file is not whole.
        SchemaError: a column is missing, or a value is of another type.
    """
    units: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(kinds, 0))
    for line in _lines(content, subject):
        if line.text(DAY) != f"{day:%m/%d/%Y}":
            raise line.error(f"the column {DAY}", "is of another day than asked for", line.text(DAY))
        count = line.integer(UNITS)
        for name, types in kinds.items():
            if line.text(KIND) in types:
                units[line.text(APP), line.text(COUNTRY)][name] += count
    return [{"day": day, "app": app, "country": place, **counts} for (app, place), counts in units.items()]


def _lines(content: bytes, subject: str) -> Iterator[Fields]:
    try:
        text = gzip.decompress(content).decode("utf-8")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CutOffError from error
    reader = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    if absent := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise SchemaError(
            f"{subject}: the report lacks the column {absent[0]}.",
            why="Apple changed the report.",
            mend="Nothing was stored of this table. Look for a newer version of the product.",
        )
    for line in reader:
        told: dict[str, Any] = dict(line)
        yield Fields(told, "line", subject)
