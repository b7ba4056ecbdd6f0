"""KPIs that add up columns of the same table read it once together.

A KPI's query stays a definition of its own. Where it is plain (it adds up expressions over one table, joined with
the days being built, or over several such tables one after the other), its parts run beside those of all other KPIs
that read the table: one pass groups the rows by day and each dimension, with the sums of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import expressions as exp

from ecom_pipeline.kpis.definition import Kind, Kpi
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.kpi_rows import MEASURES, NO_INTERVAL, grouped, kept, segmented
from ecom_pipeline.warehouse.rewrite import parsed, to_duckdb

_ELABORATE = (exp.Subquery, exp.AggFunc, exp.Window, exp.Star, exp.Exists)
_PLAIN = {"expressions", "from_", "joins", "where", "kind", "hint"}


@dataclass(frozen=True)
class Part:
    """One plain SELECT of a KPI."""

    source: str  # what follows FROM, joins included
    day: str
    dimensions: tuple[tuple[str, str], ...]
    measures: tuple[tuple[str, str], ...]
    condition: str | None


@dataclass
class Scan:
    """One pass over a table for all parts that read it: what it groups by, and the columns it adds up."""

    source: str
    day: str
    dimensions: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)  # expression of a row: name
    conditions: set[str | None] = field(default_factory=set)  # of the parts; None: one takes all rows
    table: str = ""

    def takes(self, part: Part) -> bool:
        """Whether the part reads the same rows and means the same by its dimensions."""
        return (part.source, part.day) == (self.source, self.day) and all(
            self.dimensions.get(name, sql) == sql for name, sql in part.dimensions
        )

    def column(self, sql: str) -> str:
        return self.columns.setdefault(sql, f"m{len(self.columns)}")

    def query(self) -> str:
        """SQL of `day, dimension, segment` and the sums, one row for each of the cubes' cells."""
        names = list(self.dimensions)
        read = ", ".join(
            [f"{self.day} AS day"]
            + [f"{sql} AS {name}" for name, sql in self.dimensions.items()]
            + [f"{sql} AS {name}" for sql, name in self.columns.items()]
        )
        wanted = " OR ".join(f"({sql})" for sql in sorted(filter(None, self.conditions)))
        rows = f"SELECT {read} FROM {self.source}{'' if None in self.conditions else f' WHERE {wanted}'}"
        sums = ", ".join(f"SUM({name}) AS {name}" for name in self.columns.values())
        return f"SELECT day, {segmented(names)}, {sums} FROM ({rows}) {grouped(names)}"


@dataclass(frozen=True)
class Shared:
    """A KPI made of columns of scans."""

    kpi: Kpi
    parts: tuple[
        tuple[Scan, Mapping[str, str], str], ...
    ]  # scan, columns by measure, column that counts rows

    def query(self) -> str:
        """SQL of the KPI's rows (see `kpi_rows`) over the scans' tables."""
        total = [f"'{name}'" for name in ("total", *self.kpi.dimensions)]
        wanted = f"dimension IN ({', '.join(total)})"
        reads = []
        for scan, columns, rows in self.parts:
            measures = ", ".join(f"{columns.get(name, 'NULL')} AS {name}" for name in MEASURES)
            reads.append(
                f"SELECT day, dimension, segment, {measures} FROM {scan.table} WHERE {wanted} AND {rows} > 0"
            )
        if len(reads) == 1:
            sums = ", ".join(f"CAST({name} AS DECIMAL(38, 4)) AS {name}" for name in MEASURES)
            return kept(f"SELECT day, dimension, segment, {sums}, {NO_INTERVAL} FROM ({reads[0]})")
        sums = ", ".join(f"CAST(SUM({name}) AS DECIMAL(38, 4)) AS {name}" for name in MEASURES)
        return kept(
            f"SELECT day, dimension, segment, {sums}, {NO_INTERVAL} FROM ({' UNION ALL '.join(reads)}) "
            "GROUP BY day, dimension, segment"
        )


def share(kpis: Iterable[tuple[Kpi, str]], expansion: Expansion) -> tuple[list[Scan], list[Shared]]:
    """The scans that serve the KPIs (with their queries) that are plain, and how each is made of them."""
    scans: list[Scan] = []
    shared = []
    for kpi, sql in kpis:
        parts = plain_parts(kpi, sql, expansion)
        if parts is not None:
            shared.append(Shared(kpi, tuple(_placed(part, scans) for part in parts)))
    for number, scan in enumerate(scans):
        scan.table = f"shared_scan_{number}"
    return scans, shared


def _placed(part: Part, scans: list[Scan]) -> tuple[Scan, Mapping[str, str], str]:
    scan = next((scan for scan in scans if scan.takes(part)), None)
    if scan is None:
        scan = Scan(part.source, part.day)
        scans.append(scan)
    scan.dimensions.update(part.dimensions)
    scan.conditions.add(part.condition)
    columns = {}
    rows = scan.column(_where(part, "1"))
    for name, sql in part.measures:
        literal = sql.lstrip("-").isdigit()
        columns[name] = f"{rows} * {sql}" if literal else scan.column(_where(part, sql))
    return scan, columns, rows


def _where(part: Part, sql: str) -> str:
    return f"CASE WHEN {part.condition} THEN {sql} END" if part.condition else sql


def plain_parts(kpi: Kpi, sql: str, expansion: Expansion) -> tuple[Part, ...] | None:
    """What the KPI adds up from which tables; None where its query is more than sums over rows of a day."""
    if kpi.cuts_itself:
        return None
    measures = {"numerator"} if kpi.kind is Kind.FLOW else {"numerator", "denominator"}
    return _parts(sql, expansion, kpi.dimensions, frozenset(measures))


@lru_cache(maxsize=1024)
def _parts(
    sql: str, expansion: Expansion, dimensions: tuple[str, ...], measures: frozenset[str]
) -> tuple[Part, ...] | None:
    found: list[Part] = []
    pending = [parsed(to_duckdb(sql, expansion))]
    while pending:
        one = pending.pop(0)
        if isinstance(one, exp.Union) and not one.args.get("distinct") and not one.args.get("with_"):
            pending[:0] = [one.left, one.right]
            continue
        part = _part(one, dimensions, measures) if isinstance(one, exp.Select) else None
        if part is None:
            return None
        found.append(part)
    return tuple(found)


def _part(select: exp.Select, dimensions: tuple[str, ...], measures: frozenset[str]) -> Part | None:
    given = {name for name, value in select.args.items() if value}
    named = {column.alias_or_name: column for column in select.expressions}
    required = {"day", *dimensions} | measures
    source = select.args.get("from_")
    if not given <= _PLAIN or source is None or not isinstance(source.this, exp.Table):
        return None
    if not required <= set(named) <= required | set(MEASURES) or len(named) < len(select.expressions):
        return None
    if any(isinstance(node, _ELABORATE) for node in select.walk()):
        return None
    told = {
        name: _text(column.this if isinstance(column, exp.Alias) else column)
        for name, column in named.items()
    }
    joins = select.args.get("joins") or []
    if not any(_is_of_days(join, told["day"]) for join in joins):
        return None
    where = select.args.get("where")
    return Part(
        " ".join(map(_text, (source.this, *joins))),
        told["day"],
        tuple((name, told[name]) for name in dimensions),
        tuple((name, told[name]) for name in MEASURES if name in told),
        _text(where.this) if where else None,
    )


def _text(tree: exp.Expr) -> str:
    return tree.sql(dialect="duckdb", copy=False)


def _is_of_days(join: exp.Join, day: str) -> bool:
    """Whether a join leaves the rows of the days being built, once each."""
    on, table = join.args.get("on"), join.this
    if not isinstance(table, exp.Table) or (table.db, table.name) != ("run", "days") or join.side:
        return False
    if not isinstance(on, exp.EQ):
        return False
    sides = {_text(on.this), _text(on.expression)}
    return sides == {f"{table.alias_or_name}.day", day}
