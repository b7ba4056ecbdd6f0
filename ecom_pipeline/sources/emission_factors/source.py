"""Emission factors as a source: the table shipped with the product, and one of the shop's own over it.

A carbon footprint is only as good as its factors, so each row names its source and year, and a shop that must
report by another standard puts its own file beside: same columns, its rows win over those of the same activity
and day.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from io import StringIO
from pathlib import Path

from ecom_pipeline.errors import EcomError, SchemaError, SourceError
from ecom_pipeline.sources.contract import (
    Change,
    Column,
    Finding,
    Row,
    Source,
    SourceSettings,
    Table,
    Type,
    Window,
)
from ecom_pipeline.sources.http import subject

SHIPPED = "factors.csv"
FACTORS = Table(
    name="factors",
    grain="The greenhouse gases of one unit of an activity, valid from a day on.",
    change=Change.FULL,
    key=("factor_id",),
    columns=(
        Column("factor_id", Type.STRING, required=True),
        Column("activity", Type.STRING, required=True),
        Column("valid_from", Type.DATE, required=True),
        Column("unit", Type.STRING, required=True),
        Column("kgco2e", Type.DECIMAL, required=True),
        Column("scope", Type.INTEGER, required=True),
        Column("year", Type.INTEGER, required=True),
        Column("source", Type.STRING, required=True),
    ),
    docs="The file factors.csv shipped with the product; each row says where its number is published.",
)
NAMES = tuple(column.name for column in FACTORS.columns if column.name != "factor_id")


class EmissionFactorsSettings(SourceSettings):
    """`own_file`: a CSV with the columns activity, valid_from, unit, kgco2e, scope, year, source."""

    own_file: Path | None = None


class EmissionFactors(Source):
    """Factors to turn kilowatt-hours, tonne-kilometres and kilograms into greenhouse gases."""

    vendor = "emission_factors"
    title = "Emission factors"
    family = "reference"
    credentials = "None: a table shipped with the product, and a file of the shop's own if it has one."
    Settings = EmissionFactorsSettings
    tables = (FACTORS,)

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        yield from self._factors(subject(self.name, table, window)).values()

    def check(self) -> list[Finding]:
        try:
            factors = self._factors(self.name)
        except EcomError as error:
            return [Finding(self.name, "error", f"{error.what} {error.why}".strip(), error.mend)]
        newest = max(int(row["year"]) for row in factors.values())
        detail = f"{len(factors)} factors can be read; the newest is of {newest}."
        return [Finding(self.name, "ok", detail)]

    def _factors(self, named: str) -> dict[str, Row]:
        """All factors by their key, the shop's own in place of those shipped."""
        shipped = files(__package__ or "").joinpath(SHIPPED).read_text(encoding="utf-8")
        found = {row["factor_id"]: row for row in _rows(shipped, SHIPPED, named)}
        own = self.settings.own_file
        if own is not None:
            try:
                text = own.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError):
                raise SourceError(
                    f"{named}: the file {own} cannot be read.",
                    why="It is not there, may not be opened, or is no UTF-8 text.",
                    mend="Correct own_file in ecom.toml, or save the file as CSV in UTF-8.",
                ) from None
            found |= {row["factor_id"]: row for row in _rows(text, own.name, named)}
        return found


def _rows(text: str, file: str, named: str) -> Iterator[Row]:
    reader = csv.DictReader(StringIO(text), strict=True)
    absent = sorted(set(NAMES) - set(reader.fieldnames or ()))
    if absent:
        raise SchemaError(
            f"{named}: the file {file} lacks the column {absent[0]}.",
            why=f"Factors have the columns {', '.join(NAMES)}.",
            mend="Add it. Nothing was stored of this table.",
        )
    for row in reader:
        try:
            yield _row(row)
        except (ValueError, TypeError, AttributeError, InvalidOperation):
            raise SchemaError(
                f"{named}: line {reader.line_num} of the file {file} holds what a factor cannot.",
                why="valid_from is a day like 2026-01-31, kgco2e a number from 0, scope 1, 2 or 3, year a year.",
                mend="Correct the line. Nothing was stored of this table.",
            ) from None


def _row(told: dict[str, str]) -> Row:
    activity, source, unit = (told[name].strip() for name in ("activity", "source", "unit"))
    valid_from = date.fromisoformat(told["valid_from"].strip())
    factor, scope, year = Decimal(told["kgco2e"].strip()), int(told["scope"]), int(told["year"])
    if not (activity and source and unit and factor.is_finite() and factor >= 0 and scope in (1, 2, 3)):
        raise ValueError
    return {
        "factor_id": f"{activity} {valid_from}",
        "activity": activity,
        "valid_from": valid_from,
        "unit": unit,
        "kgco2e": factor,
        "scope": scope,
        "year": year,
        "source": source,
    }
