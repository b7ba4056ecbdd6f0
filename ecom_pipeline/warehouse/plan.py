"""Which days of a table a run builds: those asked for, new ones, and those that changes of its inputs touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.warehouse.catalog import Node
from ecom_pipeline.warehouse.changes import Changed, changes_since, days_between, followed, touched_days

SUNDAY = 7


@dataclass(frozen=True)
class BuildRequest:
    """What a run asks for: whole local days, both ends included, and when it asks."""

    first_day: date
    last_day: date
    history_start: date
    time_zone: str
    now: datetime


@dataclass(frozen=True)
class Built:
    """What building one table did."""

    node: str
    days_built: int
    days_changed: int  # days whose rows differ from before, new days included
    restated: int  # KPI values already known that are different now


@dataclass(frozen=True)
class Plan:
    """The days one table is built for, and what was known before."""

    node: Node
    days: tuple[date, ...]
    as_of: date
    sequence: int
    known_until: date | None  # last day already built under the same definition
    since: int = 0  # where the change log stood then
    told_until: date | None = None  # last day already built, under whatever definition

    @property
    def kpi(self) -> Kpi:
        assert self.node.kpi is not None
        return self.node.kpi


class Planner:
    """Plans the nodes of a build one after the other; the ledger and the change log are read once."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, nodes: Sequence[Node], request: BuildRequest
    ) -> None:
        self._connection, self._request, self._followed = connection, request, followed(nodes)
        self._built: dict[str, tuple[int, str, date]] = {
            name: (since, fingerprint, as_of)
            for name, since, fingerprint, as_of in connection.execute(
                "SELECT node, sequence, fingerprint, as_of FROM ops.built WHERE LIST_CONTAINS(?, node)",
                [[node.name for node in nodes]],
            ).fetchall()
        }
        ((self._sequence,),) = connection.execute(
            "SELECT COALESCE(MAX(sequence), 0) FROM ops.changes"
        ).fetchall()
        self._changed: Changed = {}
        self._unread_since: int | None = None
        if self._built:
            self._unread_since = min(since for since, _, _ in self._built.values())

    def note_changes(self) -> None:
        """What was built wrote to the change log: look before the next plan."""
        self._unread_since = self._sequence

    def _read(self) -> None:
        since, self._unread_since = self._unread_since, None
        if since is None:
            return
        for name, changes in changes_since(self._connection, self._followed, since).items():
            self._changed.setdefault(name, []).extend(changes)
            self._sequence = max(self._sequence, *(sequence for sequence, _ in changes))

    def plan(self, node: Node) -> Plan:
        """The plan of a node, as the change log stands."""
        self._read()
        request, built = self._request, self._built.get(node.name)
        if node.days == "of_months_over":
            return _plan_months(node, request, self._sequence, built, self._changed)
        since, fingerprint, known_until = built or (0, None, None)
        as_of = max(request.last_day, known_until or request.last_day)
        if known_until is None or fingerprint != node.fingerprint:
            days = days_between(request.history_start, as_of)
            return Plan(node, _of_kind(node, days), as_of, self._sequence, None, since, known_until)
        wanted = set(days_between(max(request.first_day, request.history_start), request.last_day))
        wanted.update(days_between(known_until + timedelta(days=1), as_of))
        bounds = (request.history_start, as_of)
        if node.scope == "all":
            wanted.update(days_between(*bounds))
        else:
            wanted.update(touched_days(self._connection, node, since, self._changed, bounds))
        days = sorted(wanted)
        return Plan(node, _of_kind(node, days), as_of, self._sequence, known_until, since, known_until)


def _plan_months(
    node: Node,
    request: BuildRequest,
    sequence: int,
    built: tuple[int, str, date] | None,
    changed: Changed,
) -> Plan:
    """All days of the months that are over, unless nothing of them changed and none was added."""
    since, fingerprint, known_until = built or (0, None, None)
    as_of = max(request.last_day, known_until or request.last_day)
    known = known_until if fingerprint == node.fingerprint else None
    end = _end_of_months_over(as_of)
    days = tuple(days_between(request.history_start, end))
    if known is not None and end == _end_of_months_over(known):
        moved = (change for name in node.inputs for change in changed.get(name, ()))
        if all(number <= since or (day is not None and day > end) for number, day in moved):
            days = ()
    return Plan(node, days, as_of, sequence, known, since, known_until)


def _end_of_months_over(day: date) -> date:
    tomorrow = day + timedelta(days=1)
    return tomorrow.replace(day=1) - timedelta(days=1)


def _of_kind(node: Node, days: Sequence[date]) -> tuple[date, ...]:
    return tuple(day for day in days if node.days != "sundays" or day.isoweekday() == SUNDAY)


def remember(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> None:
    """Write into the ledger that the plans' tables are built."""
    names = [planned.node.name for planned in plans]
    fingerprints = [planned.node.fingerprint for planned in plans]
    connection.execute(
        "INSERT OR REPLACE INTO ops.built "
        "SELECT UNNEST(?::VARCHAR[]), UNNEST(?::BIGINT[]), UNNEST(?::VARCHAR[]), UNNEST(?::DATE[])",
        [names, [planned.sequence for planned in plans], fingerprints, [planned.as_of for planned in plans]],
    )
