"""What a source is: the one interface between a vendor's client and the raw log.

A source declares its settings, its tables (columns, key, what a row means, how the table changes)
and yields rows for a window of days. Everything else (retries of a load, deduplication, storage,
assets, checks, documentation) is derived from these declarations, so a vendor's folder holds vendor
facts only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from ecom_pipeline.errors import DefinitionError

Row = Mapping[str, Any]


class Type(StrEnum):
    """Column types of the raw log. In a row: str, int, Decimal (or its text), bool, date, aware datetime."""

    STRING = "VARCHAR"
    INTEGER = "BIGINT"
    DECIMAL = "DECIMAL(18,6)"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"  # an instant in UTC


class Change(StrEnum):
    """How a vendor's table changes, and so how it is read again."""

    LOG = "log"  # filtered on the vendor's update time; the newest version of a record wins
    RESTATED = "restated"  # the last days are read again and replaced, day by day
    SNAPSHOT = "snapshot"  # only today's state can be had; kept once per day
    FULL = "full"  # no filter exists: read whole, compared by key


@dataclass(frozen=True)
class Column:
    """A declared column. Absent from a row it is an error; None is allowed unless `required`."""

    name: str
    type: Type
    required: bool = False


@dataclass(frozen=True)
class Child:
    """Rows that travel inside their parent's row (a list under `name`) and are replaced with it."""

    name: str
    grain: str
    key: tuple[str, ...]  # unique within one parent
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Table:
    """One stream of a vendor.

    `key` is a single column for LOG and FULL tables. LOG tables name their `version` column (the
    vendor's update instant); RESTATED tables their local `day` column and how many trailing days the
    vendor still changes; SNAPSHOT tables are stamped with the day by the raw log (`snapshot_day`).
    """

    name: str
    grain: str
    change: Change
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    docs: str  # what the vendor documents, in words and its page's name
    version: str | None = None
    day: str | None = None
    restate_days: int = 0
    lead_days: int = 0  # what held on the first day may have been said this many days before: read them too
    children: tuple[Child, ...] = ()
    swept: bool = False  # records may vanish upstream without a trace: compare keys periodically

    def __post_init__(self) -> None:
        for problem in self._contradictions():
            raise DefinitionError(f"The declaration of the table {self.name} {problem}.")

    def _contradictions(self) -> Iterator[str]:
        """What the raw log could not store: said when the source is written, not when it is first read."""
        own = [column.name for column in self.columns]
        required = {column.name for column in self.columns if column.required}
        if doubled := {name for name in own if own.count(name) > 1}:
            yield f"has the column {doubled.pop()} twice"
        if reserved := [name for name in own if name.startswith("_") or name == "snapshot_day"]:
            yield f"has a column {reserved[0]}, a name the raw log uses itself"
        needed = [*self.key, *filter(None, (self.version, self.day))]
        if absent := [name for name in needed if name not in required]:
            yield f"lets {absent[0]} be empty or absent, and records are told apart by it"
        if not self.key or (self.change in (Change.LOG, Change.FULL) and len(self.key) != 1):
            yield "needs a key, of one column when records are tracked by it"
        if (self.change is Change.LOG) != (self.version is not None):
            yield "has a version if, and only if, it is a log"
        if (self.change is Change.RESTATED) != (self.day is not None):
            yield "has a day if, and only if, it is restated"
        if self.swept and (self.change is not Change.LOG or "created_at" not in own):
            yield "is swept, and only a log with a column created_at can be"

    @property
    def record(self) -> str:
        """The column by which change is tracked: the record's key, or the day that is replaced."""
        if self.change is Change.RESTATED:
            assert self.day is not None
            return self.day
        return "snapshot_day" if self.change is Change.SNAPSHOT else self.key[0]


@dataclass(frozen=True)
class Window:
    """Whole local days, both ends included, asked at an instant.

    A window that reaches the newest complete day is open at its end for LOG tables: a record touched
    since midnight has left yesterday's update window, and would be missed until tomorrow.
    """

    first_day: date
    last_day: date
    time_zone: str
    asked_at: datetime

    @property
    def start_at(self) -> datetime:
        return local_midnight(self.first_day, self.time_zone)

    @property
    def end_at(self) -> datetime:
        """Exclusive end of the last day, as an instant in UTC."""
        return local_midnight(self.last_day + timedelta(days=1), self.time_zone)

    @property
    def newest_day(self) -> date:
        """The last complete local day at the instant of asking."""
        return self.asked_at.astimezone(ZoneInfo(self.time_zone)).date() - timedelta(days=1)

    @property
    def reaches_newest(self) -> bool:
        return self.last_day >= self.newest_day

    def days(self) -> Iterator[date]:
        for offset in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=offset)


def local_midnight(day: date, time_zone: str) -> datetime:
    """The instant (UTC) at which a local day begins."""
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)


class SourceSettings(BaseModel):
    """Base of every vendor's settings. Fields of type SecretStr come from the environment only:

    field `access_token` of the instance `shop` is `ECOM_SHOP_ACCESS_TOKEN`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class SourceContext:
    """What the product lends a source: the shop's time zone, a clock, and the pseudonymising key."""

    time_zone: str
    now: Callable[[], datetime]
    pseudonym_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was tried, how it went, and how to mend it when it did not."""

    subject: str
    state: Literal["ok", "warning", "error"]
    detail: str
    mend: str = ""


class Source(ABC):
    """A vendor's client. One instance per named source of `ecom.toml`."""

    vendor: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str] = "other"  # with whom it stands together in the lineage graph
    credentials: ClassVar[str]  # which key with which rights, and where a person gets it
    Settings: ClassVar[type[SourceSettings]]
    tables: ClassVar[tuple[Table, ...]]

    def __init__(self, name: str, settings: Any, context: SourceContext) -> None:
        self.name = name
        self.settings = settings
        self.context = context

    @classmethod
    def declared_tables(cls, settings: Any) -> tuple[Table, ...]:
        """The tables of an instance; a vendor whose tables are configured (files) overrides this."""
        return cls.tables

    @classmethod
    def declared_mappings(cls, settings: Any) -> dict[str, str]:
        """Mapping name (`<canonical>` or `<canonical>__<stream>`) -> SQL text; by default the folder's files."""
        package = cls.__module__.split(".")[:3]  # ecom_pipeline.sources.<vendor>
        folder = files(".".join(package))
        return {
            entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".sql")
        }

    @abstractmethod
    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        """Yield the table's rows for the window, children nested under their names.

        LOG: every record created or updated in the window, in its present state. RESTATED: the rows of
        the window's days. SNAPSHOT and FULL: everything, whatever the window.

        Raises:
            SourceError, AuthenticationError, SchemaError: say source, table, window and the remedy.
        """

    def fetch_keys(self, table: Table, window: Window) -> Iterator[str]:
        """Yield the keys of all records the vendor still holds that were created in the window."""
        raise NotImplementedError(f"{self.vendor} declares {table.name} as swept but fetches no keys")

    @abstractmethod
    def check(self) -> list[Finding]:
        """Try credentials and rights against the vendor; name exactly what is missing."""
