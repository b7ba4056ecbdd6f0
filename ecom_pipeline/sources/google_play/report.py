"""A month's file of installs, and how its lines become ours.

The file for all countries is read: it alone tells the devices on which the app is, each once. A user's first
device counts as a first install; what else was installed, on another device or again, as a later one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import Change, Column, Row, Table, Type
from ecom_pipeline.sources.fields import Fields

INSTALLS = Table(
    name="installs",
    grain="One app on one Pacific day, all countries together.",
    change=Change.RESTATED,
    key=("day", "app"),
    day="day",
    # A day is counted some days late, and Google mends counted ones.
    restate_days=14,
    columns=(
        Column("day", Type.DATE, required=True),
        Column("app", Type.STRING, required=True),
        Column("first_installs", Type.INTEGER, required=True),
        Column("later_installs", Type.INTEGER, required=True),
        Column("updates", Type.INTEGER, required=True),
        Column("active_devices", Type.INTEGER, required=True),
    ),
    docs="Google Play Console, statistics in Cloud Storage: stats/installs/installs_<package>_<month>_overview.csv, "
    "UTF-16, one line a day. Later installs are install events less first installs.",
)


class CutOffError(Exception):
    """The file ends before its end."""


def report_rows(content: bytes, size: int, columns: Mapping[str, str], subject: str) -> list[Row]:
    """The rows of one file; `columns` says what the file calls each figure, `size` how many bytes it has.

    Raises:
        CutOffError: the file is not whole.
        SchemaError: a column is missing, or a value is of another type.
    """
    try:
        text = content.decode("utf-16")
    except UnicodeDecodeError as error:
        raise CutOffError from error
    reader = csv.DictReader(io.StringIO(text))
    for name in columns.values():
        if name not in (reader.fieldnames or ()):
            raise SchemaError(
                f"{subject}: the file of installs lacks the column {name}.",
                why="Google changed the file, or the settings name a column that it does not have.",
                mend="Nothing was stored of this table. Compare columns in the settings with a file of the bucket.",
            )
    if len(content) < size:
        raise CutOffError
    return [_row(Fields(dict(line), "line", subject), columns) for line in reader]


def _row(line: Fields, columns: Mapping[str, str]) -> Row:
    first = line.integer(columns["first_installs"])
    counts: dict[str, Any] = {name: line.integer(columns[name]) for name in ("updates", "active_devices")}
    return {
        "day": _day(line, columns["day"]),
        "app": line.text(columns["app"]),
        "first_installs": first,
        "later_installs": max(0, line.integer(columns["install_events"]) - first),
        **counts,
    }


def _day(line: Fields, name: str) -> date:
    text = line.text(name)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise line.error(f"the column {name}", "is no day", text) from None
