"""What a KPI file says about itself: its YAML header, typed and validated.

The header is the single place a KPI is described; the report's appendix, `kpi explain`, the Dagster
asset and the checks are made from it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

import ecom_pipeline.kpis as package
from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.warehouse.header import split_header


class Kind(StrEnum):
    """How a KPI's days make a period."""

    FLOW = "flow"  # summed
    RATIO = "ratio"  # sum of numerators over sum of denominators
    SNAPSHOT = "snapshot"  # the last day's
    WINDOW = "window"  # as of each day over the N days ending with it; the last day's


class Words(BaseModel):
    """One text in the product's two languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    fr: str
    en: str

    def in_language(self, language: str) -> str:
        return self.fr if language == "fr" else self.en


class Reference(BaseModel):
    """A limit or usual value from the field, in the KPI's own unit (0.3 is 30 %)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    around: Decimal | None = None
    between: tuple[Decimal, Decimal] | None = None


class Counted(BaseModel):
    """What a KPI's denominator counts, told beside the value ("on 132 reviews"): the noun for one and for many."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    one: Words
    many: Words


Unit = Literal[
    "money",
    "percent",
    "count",
    "multiple",
    "seconds",
    "hours",
    "days",
    "months",
    "position",
    "per_order",
    "points",  # of a score between -100 and 100
    "stars",  # of five
    "kilowatt_hours",
    "kilograms_co2e",
    "tonnes_co2e",
]


class Kpi(BaseModel):
    """One KPI as its file defines it. `key` is the file's name, `family` its folder's."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str
    family: str
    name: Words
    definition: Words
    unit: Unit
    kind: Kind
    window: int | None = None  # days, of window KPIs
    good: Literal["up", "down", "neutral", "zero"]
    dimensions: tuple[str, ...] = ()
    reference: Reference | None = None
    action: Words | None = None  # what to do when it goes the wrong way
    measured_by: tuple[str, ...] = ()  # what it means nothing without; default: all it reads
    snapshots: tuple[str, ...] = ()  # … of them, those whose own day must have been seen: a state has no past
    touches: dict[str, dict[str, Any]] = {}  # how changes of inputs travel; see warehouse.catalog.Touch
    rests_on: int | None = (
        None  # days, the day itself included, a value is made of; default: the window, or 1
    )
    matures_after: int = 0  # days until a day's value is final enough to be shown
    young_until: int = 0  # days of history before the shop is old enough to have a value at all
    tells_new: int = 0  # days, its own included, on which new customers must be told from old ones
    counts: Counted | None = None  # what its denominator counts, where a reader must know how many
    undefined: Words | None = None  # why there may be nothing to divide by, for readers
    minimum: Decimal | None = None  # values outside [minimum, maximum] are wrong, not surprising
    maximum: Decimal | None = None
    since: int = 1  # version of the definition
    sql: str

    @property
    def reach(self) -> int:
        """How many days, its own included, must have been read for a day's value to mean anything."""
        return self.rests_on or self.window or 1

    @property
    def cuts_itself(self) -> bool:
        """Whether the query returns `dimension, segment` itself instead of one column per dimension."""
        return self.kind in (Kind.SNAPSHOT, Kind.WINDOW)


FAMILY_ORDER = (
    "sales",
    "profit",
    "loyalty",
    "website",
    "marketing",
    "stock",
    "service",
    "mobile",
    "social",
    "sustainability",
    "steering",
)


@cache
def kpis() -> dict[str, Kpi]:
    """All KPIs by key, families in reading order, files by name within a family."""
    found: dict[str, Kpi] = {}
    root = files(package.__name__)
    folders = [entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("_")]
    for folder in sorted(folders, key=lambda entry: (_family_rank(entry.name), entry.name)):
        for entry in sorted(folder.iterdir(), key=lambda file: file.name):
            if entry.name.endswith(".sql"):
                kpi = parse_kpi(
                    entry.name.removesuffix(".sql"), folder.name, entry.read_text(encoding="utf-8")
                )
                if kpi.key in found:
                    raise DefinitionError(f"Two KPI files are named {kpi.key}.", mend="Rename one of them.")
                found[kpi.key] = kpi
    return found


def parse_kpi(key: str, family: str, text: str) -> Kpi:
    """Read one KPI file's text.

    Raises:
        DefinitionError: names the file and the field that cannot be used.
    """
    header, sql = split_header(text, f"{family}/{key}.sql")
    try:
        return Kpi(key=key, family=family, sql=sql, **header)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(
            f"kpis/{family}/{key}.sql: header field {field}: {first['msg']}",
            mend="Compare with another KPI file of the same kind.",
        ) from None


def _family_rank(family: str) -> int:
    return FAMILY_ORDER.index(family) if family in FAMILY_ORDER else len(FAMILY_ORDER)
