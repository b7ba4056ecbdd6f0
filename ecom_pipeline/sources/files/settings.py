"""What a person writes into `ecom.toml` about files: where they lie, what their columns are, what they feed.

Only the reading is declared here. Everything else (what is a sale, how an amount is signed) is said in the
same SQL as for every vendor, so that files need no second language.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecom_pipeline.sources.contract import Change, Column, SourceSettings, Table, Type

NAME = r"^[a-z][a-z0-9_]*$"
NAME_RULE = "lower-case letters, digits and _ only, and no word of SQL"
ROW_ID = "row_id"
DAY = "day"
RESERVED = frozenset(
    (
        "all", "and", "as", "asc", "between", "case", "cast", "check", "column", "create", "cross",
        "default", "desc", "distinct", "else", "end", "except", "exists", "false", "from", "full", "group",
        "having", "in", "inner", "intersect", "into", "is", "join", "left", "like", "limit", "natural",
        "not", "null", "offset", "on", "or", "order", "outer", "primary", "references", "right", "row_id",
        "select", "snapshot_day", "some", "table", "then", "to", "true", "union", "unique", "user", "using",
        "when", "where", "window", "with",
    )
)  # fmt: skip
TYPES = {
    "text": Type.STRING,
    "integer": Type.INTEGER,
    "decimal": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
    "timestamp": Type.TIMESTAMP,
    "processor": Type.STRING,
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileColumn(_Part):
    """One column: `from` is its name in the file; a text alone stands for the `from` of a text column.

    `pseudonymise` keeps only the keyed hash of a value that tells who somebody is. `values` translates every
    value there is ("" means unknown); a value it lacks is an error. Of a text of type `processor` only the payment
    processor it names is kept, for labels that may name people. `format` is that of dates and times as
    strptime takes it; ISO 8601 without it.
    """

    from_: str = Field(alias="from")
    type: Literal["text", "integer", "decimal", "boolean", "date", "timestamp", "processor"] = "text"
    required: bool = False
    pseudonymise: bool = False
    values: dict[str, str] | None = None
    format: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_its_type(self) -> FileColumn:
        if self.type != "text" and (self.pseudonymise or self.values is not None):
            raise ValueError("pseudonymise and values are for columns of type text")
        if self.format is not None and self.type not in ("date", "timestamp"):
            raise ValueError("format is for columns of type date or timestamp")
        return self


class FileTable(_Part):
    """One stream: all files that match `path` (a glob within the folder), in CSV or Parquet.

    With `day` (a date or timestamp column) rows are read and replaced by their day, and a mapping may combine
    rows of a day; days older than `restate_days` are read again by a backfill only. Without it all files are
    read every time and compared row by row, by `key` or else by place in the file. `maps` gives, for each
    canonical table fed, the mapping's SQL or the name of a .sql file in the folder.
    """

    path: str
    grain: str = "One row of a file."
    columns: dict[str, FileColumn] = Field(min_length=1)
    maps: dict[str, str] = {}
    key: str | None = None
    day: str | None = None
    restate_days: int = Field(default=31, ge=0)
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    time_zone: str | None = None  # of times without one; the shop's when not given

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"unknown time zone {value}")
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"unknown encoding {value}; try utf-8, cp1252 or latin-1") from None
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> FileTable:
        if wrong := _bad_names(self.columns):
            raise ValueError(f"{wrong} cannot name a column: {NAME_RULE}")
        if self.path.startswith("/") or ".." in Path(self.path).parts:
            raise ValueError("path must stay within the folder")
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal must differ")
        for name in filter(None, (self.key, self.day)):
            if name not in self.columns:
                raise ValueError(f"{name} is none of the columns {', '.join(self.columns)}")
        self._check_day()
        return self

    def _check_day(self) -> None:
        if self.day is None:
            return
        if self.key is not None:
            raise ValueError("a table read by its day has no key: its rows are replaced day by day")
        kind = self.columns[self.day].type
        if kind not in ("date", "timestamp"):
            raise ValueError(f"day needs a column of type date or timestamp; {self.day} is of type {kind}")
        if kind == "timestamp" and DAY in self.columns:
            raise ValueError("rename the column day: that name is taken by the local day of the timestamp")

    @property
    def day_column(self) -> str | None:
        """The column that holds a row's day: the named date, or one added for the named timestamp."""
        if self.day is None:
            return None
        return self.day if self.columns[self.day].type == "date" else DAY

    def declared(self, name: str) -> Table:
        """The table as the raw log takes it."""
        needed = {self.key, self.day}
        columns = [
            Column(column, TYPES[said.type], required=said.required or column in needed)
            for column, said in self.columns.items()
        ]
        if self.key is None:
            columns.insert(0, Column(ROW_ID, Type.STRING, required=True))
        if self.day_column == DAY and self.day != DAY:
            columns.append(Column(DAY, Type.DATE, required=True))
        return Table(
            name=name,
            grain=self.grain,
            change=Change.FULL if self.day is None else Change.RESTATED,
            key=(self.key or ROW_ID,),
            columns=tuple(columns),
            docs=f"The shop's own files {self.path}, as described in ecom.toml.",
            day=self.day_column,
            restate_days=self.restate_days if self.day is not None else 0,
        )


class FilesSettings(SourceSettings):
    """The folder, and the tables its files are read into.

    `ready` names tables whose columns and mappings come with the product (`ready_tables`); a table of the same
    name under `tables` takes its place.
    """

    folder: Path
    ready: tuple[str, ...] = ()
    tables: dict[str, FileTable] = Field(default_factory=dict)

    @field_validator("tables")
    @classmethod
    def _tables_have_names(cls, value: dict[str, FileTable]) -> dict[str, FileTable]:
        if wrong := _bad_names(value):
            raise ValueError(f"{wrong} cannot name a table: {NAME_RULE}")
        return value

    @model_validator(mode="after")
    def _has_tables(self) -> FilesSettings:
        known = ready_tables()
        if unknown := [name for name in self.ready if name not in known]:
            raise ValueError(f"{unknown[0]} is no ready table; there are {', '.join(known)}")
        if not self.all_tables:
            raise ValueError("it needs tables, or the names of ready ones")
        return self

    @property
    def all_tables(self) -> dict[str, FileTable]:
        """The ready tables named and those described, by name."""
        return {name: ready_tables()[name] for name in self.ready} | self.tables


@cache
def ready_tables() -> dict[str, FileTable]:
    """Tables a shop fills without describing them: energy, waste, people, gifts; by name."""
    folder = files(__package__ or "").joinpath("ready")
    found = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".toml"): FileTable(**tomllib.loads(entry.read_text(encoding="utf-8")))
        for entry in found
        if entry.name.endswith(".toml")
    }


def _bad_names(names: Iterable[str]) -> str:
    return ", ".join(name for name in names if not re.match(NAME, name) or name in RESERVED)
