"""A line of the benchmark's table, and how it is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import duckdb


@dataclass(frozen=True)
class Row:
    """One line of the table. A ratio compares with `against`, both in processor time; without one the time
    itself has the aim, by the clock."""

    work: str
    seconds: float
    against: str = ""
    base_seconds: float | None = None
    most: float | None = None  # the aim: of the ratio, or of the seconds where there is no base
    unit: str = "x"

    @property
    def value(self) -> float:
        return self.seconds / self.base_seconds if self.base_seconds else self.seconds

    @property
    def time(self) -> str:
        return _duration(self.seconds)

    @property
    def ratio(self) -> str:
        return _amount(self.value, self.unit) if self.base_seconds else ""

    @property
    def aim(self) -> str:
        if self.most is None:
            return ""
        return "≤ " + (_amount(self.most, self.unit) if self.base_seconds else _duration(self.most))

    @property
    def verdict(self) -> str:
        return "" if self.most is None else "met" if self.value <= self.most else "missed"


def scan(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]) -> float:
    """Processor seconds to sum the columns; of a text its length, of a day its number, of a flag its ones."""
    kinds = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    sums = []
    for column in columns:
        kind = kinds[column]
        if kind == "VARCHAR":
            sums.append(f"SUM(STRLEN({column}))")
        elif kind in ("DATE", "TIMESTAMP"):
            sums.append(f"SUM(EPOCH({column}))")
        elif kind == "BOOLEAN":
            sums.append(f"SUM(CAST({column} AS INTEGER))")
        else:
            sums.append(f"SUM({column})")
    query = f"SELECT {', '.join(sums)} FROM {table}"
    return best(lambda: connection.execute(query).fetchall())


def best(work: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the cheapest of some times: a busy machine does not change them much."""
    taken = []
    for _ in range(times):
        began = process_time()
        work()
        taken.append(process_time() - began)
    return min(taken)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _amount(value: float, unit: str) -> str:
    return f"{value * 100:.1f} %" if unit == "%" else f"{value:.1f} ×"
