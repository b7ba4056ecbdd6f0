"""Every query of the product as a graph: sources' mappings, models, KPIs.

Dependencies are read from the SQL, never declared. What a file does declare is how a change travels:
by default a change on a day touches the same day; `touches` names inputs where it travels further.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from graphlib import TopologicalSorter
from hashlib import blake2b
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlglot import expressions as exp

import ecom_pipeline.models as models_package
from ecom_pipeline.errors import ConfigurationError, DefinitionError
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.sources.contract import Source, Table
from ecom_pipeline.warehouse.header import split_header
from ecom_pipeline.warehouse.rewrite import parsed


class Canonical(BaseModel):
    """One table that sources feed: the contract of every mapping to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    grain: str
    key: tuple[str, ...]
    columns: dict[str, str]


class Touch(BaseModel):
    """How a change of an input travels to the days of the table that reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    forward: int = 0  # a change on day d touches d .. d + forward
    backward: int = 0
    after: bool = False  # … and every later day
    everything: bool = False  # … all days
    through: str | None = None  # … days of own rows and inputs' whose column `through` is d, or not known yet
    column: str | None = (
        None  # … the days that a column, or SQL, gives of its changed rows, as they were and are
    )
    customers: str | None = None  # … days from then on of other inputs' rows of customers whose column is d
    naming: dict[str, str] = {}  # … days of own rows whose column is what its rows of d bear: {column: SQL}
    sharing: str | None = None  # … days of own rows that bear the same in this column as own rows of d


Days = Literal["all", "sundays", "of_months_over"]
"""Which days a table is built for; one of months that are over sees nothing of the one that runs."""


class Model(BaseModel):
    """The header of a model file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    grain: str
    description: str
    key: tuple[str, ...]
    scope: Literal["day", "customer", "all"] = "day"
    days: Days = "all"
    touches: dict[str, Touch] = {}
    computed_by: str | None = None  # module:function that turns the query's rows (Arrow) into the model's


@dataclass(frozen=True)
class Stream:
    """A table of a source instance, with the mappings that read it."""

    source: str
    vendor: str
    table: Table
    mappings: tuple[Mapping, ...]


@dataclass(frozen=True)
class Mapping:
    """One query from a stream to a canonical table."""

    name: str
    canonical: str
    description: str
    sql: str


@dataclass(frozen=True)
class Node:
    """A model or KPI: a query over mapped tables, models and configuration."""

    name: str  # model.<x> or kpi.<x>
    sql: str
    inputs: tuple[str, ...]  # mapped.x, model.x, config.x
    scope: Literal["day", "customer", "all"]
    touches: dict[str, Touch]
    key: tuple[str, ...]
    grain: str
    description: str
    kpi: Kpi | None = None
    watched: tuple[str, ...] = ()  # SQL of days by which others follow its changes
    computed_by: str | None = None
    days: Days = "all"

    @cached_property
    def fingerprint(self) -> str:
        told = f"{self.sql}|{self.scope}|{self.touches}"
        if self.days != "all":
            told += self.days
        if self.computed_by is not None:
            # Read, not imported: what it takes to compute is slow to load, and most days compute nothing.
            module = find_spec(self.computed_by.partition(":")[0])
            assert module is not None and module.origin is not None
            told += Path(module.origin).read_text(encoding="utf-8")
        return blake2b(told.encode(), digest_size=16).hexdigest()

    @property
    def compute(self) -> Callable[[pa.Table, list[date]], pa.Table]:
        """The function of a computed model: the query's rows and the days being built to the model's rows."""
        assert self.computed_by is not None
        module, _, name = self.computed_by.partition(":")
        function: Callable[[pa.Table, list[date]], pa.Table] = getattr(importlib.import_module(module), name)
        return function


@dataclass(frozen=True)
class Catalog:
    """All streams and nodes of one configuration; nodes in the order they can be built in."""

    streams: tuple[Stream, ...]
    nodes: tuple[Node, ...]
    has_none_of: frozenset[str] = frozenset()  # canonical tables the shop has nothing of: zero, not missing
    configured: frozenset[str] = (
        frozenset()
    )  # sections of ecom.toml that are filled, as sources in their own right

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def select(self, names: Iterable[str]) -> tuple[Node, ...]:
        wanted = set(names)
        return tuple(node for node in self.nodes if node.name in wanted)

    def watched(self, name: str) -> tuple[str, ...]:
        """SQL of the days by which others follow the changes of a mapped table or a model."""
        return _watched(self.nodes).get(name, ())

    @property
    def models(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kpi is None)

    @property
    def kpi_nodes(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kpi is not None)

    def canonical_inputs(self, name: str) -> frozenset[str]:
        """The canonical tables a node descends from."""
        return frozenset(
            name.removeprefix("mapped.") for name in self.origins(name) if name.startswith("mapped.")
        )

    def origins(self, name: str) -> frozenset[str]:
        """All a node descends from that is no node: canonical tables (`mapped.x`), configuration (`config.x`)."""
        found: set[str] = set()
        for dependency in self.by_name[name].inputs:
            found |= self.origins(dependency) if dependency in self.by_name else {dependency}
        return frozenset(found)

    def measured_by(self, kpi: Kpi) -> frozenset[str]:
        """The canonical tables, and sections of ecom.toml left empty, without which the KPI means nothing."""
        needed = frozenset(kpi.measured_by) or self.canonical_inputs(f"kpi.{kpi.key}")
        needed -= self.configured
        return frozenset(name for name in needed if name not in self.has_none_of or self.feeding(name))

    def feeding(self, canonical: str) -> tuple[Stream, ...]:
        return tuple(
            stream for stream in self.streams if any(m.canonical == canonical for m in stream.mappings)
        )


@cache
def canonical_tables() -> dict[str, Canonical]:
    """The canonical tables by name."""
    text = files(models_package.__name__).joinpath("canonical.yaml").read_text(encoding="utf-8")
    return {name: Canonical(**entry) for name, entry in yaml.safe_load(text).items()}


@cache
def read_models() -> tuple[Node, ...]:
    """The model files as nodes, by name."""
    nodes = []
    for entry in sorted(files(models_package.__name__).iterdir(), key=lambda file: file.name):
        if not entry.name.endswith(".sql"):
            continue
        header, sql = split_header(entry.read_text(encoding="utf-8"), f"models/{entry.name}")
        try:
            model = Model(**header)
        except ValidationError as error:
            first = error.errors()[0]
            raise DefinitionError(f"models/{entry.name}: header {first['loc']}: {first['msg']}") from None
        name = f"model.{entry.name.removesuffix('.sql')}"
        nodes.append(
            Node(
                name, sql, dependencies(sql, name), model.scope, model.touches, model.key, model.grain,
                model.description, computed_by=model.computed_by, days=model.days,
            )
        )  # fmt: skip
    return tuple(nodes)


def kpi_node(kpi: Kpi) -> Node:
    """A KPI as a node."""
    name = f"kpi.{kpi.key}"
    touches = {table: Touch(**entry) for table, entry in kpi.touches.items()}
    return Node(
        name, kpi.sql, dependencies(kpi.sql, name), "day", touches, ("day", "dimension", "segment"),
        "a day and segment", kpi.definition.en, kpi,
    )  # fmt: skip


def build_catalog(
    sources: Iterable[Source],
    kpis: Iterable[Kpi],
    has_none_of: Iterable[str] = (),
    configured: Iterable[str] = (),
) -> Catalog:
    """Assemble the graph of a configuration.

    Raises:
        DefinitionError: a query reads what nobody makes, or reads in a circle.
        ConfigurationError: `has_none_of` names no canonical table.
    """
    unknown = sorted(set(has_none_of) - set(canonical_tables()))
    if unknown:
        raise ConfigurationError(
            f"ecom.toml: shop.has_none_of names {unknown[0]}, which is no canonical table.",
            mend=f"Use one of {', '.join(canonical_tables())}.",
        )
    streams = tuple(stream for source in sources for stream in source_streams(source))
    nodes = {node.name: node for node in (*read_models(), *(kpi_node(kpi) for kpi in kpis))}
    for node in nodes.values():
        for dependency in node.inputs:
            schema, table = dependency.split(".")
            if (schema == "model" and dependency not in nodes) or (
                schema == "mapped" and table not in canonical_tables()
            ):
                raise DefinitionError(f"{node.name} reads {dependency}, which nothing makes.")
    order = TopologicalSorter(
        {name: [d for d in node.inputs if d in nodes] for name, node in nodes.items()}
    ).static_order()
    watched = _watched(nodes.values())
    ordered = tuple(replace(nodes[name], watched=watched.get(name, ())) for name in order)
    return Catalog(streams, ordered, frozenset(has_none_of), frozenset(configured))


def _watched(nodes: Iterable[Node]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for node in nodes:
        for dependency, touch in node.touches.items():
            if touch.column is not None:
                found.setdefault(dependency, set()).add(touch.column)
    return {name: tuple(sorted(columns)) for name, columns in found.items()}


def source_streams(source: Source) -> tuple[Stream, ...]:
    """An instance's streams, each with the mappings that read it."""
    tables = type(source).declared_tables(source.settings)
    by_stream: dict[str, list[Mapping]] = {table.name: [] for table in tables}
    for name, text in type(source).declared_mappings(source.settings).items():
        file = f"sources/{source.vendor}/{name}.sql"
        header, sql = split_header(text, file)
        mapping = Mapping(name, name.split("__")[0], str(header.get("description", "")), sql)
        if mapping.canonical not in canonical_tables():
            raise DefinitionError(f"{file} feeds {mapping.canonical}, which is no canonical table.")
        by_stream[_stream_of(sql, tables, file)].append(mapping)
    return tuple(Stream(source.name, source.vendor, table, tuple(by_stream[table.name])) for table in tables)


def _stream_of(sql: str, tables: tuple[Table, ...], file: str) -> str:
    owner = {table.name: table.name for table in tables}
    owner |= {child.name: table.name for table in tables for child in table.children}
    read = {name.split(".")[1] for name in table_names(sql) if name.startswith("source.")}
    streams = {owner.get(name) for name in read}
    if len(streams) != 1 or None in streams:
        raise DefinitionError(
            f"{file} reads {', '.join(sorted(read)) or 'nothing'}.",
            why="A mapping reads one declared table and its children only.",
        )
    return str(streams.pop())


def table_names(sql: str) -> set[str]:
    """schema.table of every table a query reads, common table expressions excluded."""
    tree = parsed(sql)
    return {f"{table.db}.{table.name}" for table in tree.find_all(exp.Table) if table.db}


def dependencies(sql: str, file: str) -> tuple[str, ...]:
    """The mapped tables, models and configuration a query reads.

    Raises:
        DefinitionError: it reads anything else.
    """
    found = sorted(table_names(sql))
    for name in found:
        if name.split(".")[0] not in {"mapped", "model", "config", "run", "ops"}:
            raise DefinitionError(
                f"{file} reads {name}; queries read mapped, model, config, ops and run tables."
            )
    return tuple(name for name in found if not name.startswith("run."))
