"""Bulk operations: one query over everything, run apart from the request, its result a JSONL file.

The result is written while it is read, from the snapshot the operation began with, so that neither
memory nor disk holds it; that is why its size in bytes (`fileSize`, nullable) is not told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ecom_pipeline.sandbox.vendors.shopify.bulk_query import BulkRefused, compile_bulk
from ecom_pipeline.sandbox.vendors.shopify.bulk_rows import Level, count, grouped_rows, path_rows, paths
from ecom_pipeline.sandbox.vendors.shopify.roots import Roots
from ecom_pipeline.sandbox.vendors.shopify.scalars import gid
from ecom_pipeline.sandbox.vendors.shopify.schema import Refused
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.vendors.shopify.snapshot import Snapshot
from ecom_pipeline.sandbox.world import SECRET_CANARY, World, digest

MAX_RUNNING = 5
KEPT = timedelta(days=7)
UNFINISHED = ("CREATED", "RUNNING", "CANCELING")


@dataclass
class BulkRun:
    """One operation; every look at it brings it a step further."""

    number: int
    query: str
    grouped: bool
    created_at: datetime
    snapshot: Snapshot
    level: Level
    items: list[Any]
    polls_left: int
    fails_with: str | None
    address: str  # of the result, complete
    status: str = "CREATED"
    completed_at: datetime | None = None
    object_count: int = 0
    root_object_count: int = 0
    typename: str = "BulkOperation"

    @property
    def gid(self) -> str:
        return gid("BulkOperation", self.number)

    @property
    def error_code(self) -> str | None:
        return self.fails_with if self.status == "FAILED" else None

    @property
    def url(self) -> str | None:
        return self.address if self.status == "COMPLETED" and self.items else None

    @property
    def partial_data_url(self) -> str | None:
        """Half of the result, of an operation that failed on the way."""
        partial = self.status == "FAILED" and self.fails_with != "ACCESS_DENIED" and self.items
        return self.address if partial else None

    def advance(self, now: datetime) -> None:
        """One poll's progress. Counting is left for the end: it reads everything once."""
        if self.status == "CANCELING":
            self.status, self.completed_at = "CANCELED", now
        elif self.status in ("CREATED", "RUNNING"):
            self.polls_left -= 1
            if self.polls_left > 0:
                self.status = "RUNNING"
                return
            self.completed_at = now
            self.status = "FAILED" if self.fails_with else "COMPLETED"
            if self.fails_with:
                self.items = self.items[: len(self.items) // 2]
            self.root_object_count = len(self.items)
            self.object_count = sum(count(self.level, view) for view in self.views())

    def views(self) -> Iterator[Any]:
        view = self.snapshot.view
        return (view(item) for item in self.items)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Grouped: children right after their parent. Else all parents, then each list of children."""
        if self.grouped:
            for view in self.views():
                yield from grouped_rows(self.level, view, None)
        else:
            for path in paths(self.level):
                for view in self.views():
                    yield from path_rows(self.level, path, view, None)

    def chunks(self, size: int) -> Iterator[bytes]:
        """The file, in pieces of about `size` bytes."""
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        lines: list[str] = []
        length = 0
        for row in self.rows():
            line = encode(row)
            lines.append(line)
            length += len(line)
            if length >= size:
                yield ("\n".join(lines) + "\n").encode()
                lines, length = [], 0
        if lines:
            yield ("\n".join(lines) + "\n").encode()


@dataclass
class Payload:
    """What a bulk mutation answers."""

    operation: BulkRun | None
    user_errors: list[Any]


class UserError(NamedTuple):
    message: str
    code: str | None = None
    field: tuple[str, ...] | None = None


class BulkOperations:
    """All operations of the app in this shop."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.operations: dict[int, BulkRun] = {}

    def start(self, roots: Roots, base_url: str, query: str, grouped: bool) -> Payload:
        """Begin an operation on the roots' snapshot, or tell why not."""
        running = [o for o in self.operations.values() if o.status in UNFINISHED]
        if len(running) >= MAX_RUNNING:
            return Payload(None, [UserError("Too many bulk operations are running.", "LIMIT_REACHED")])
        try:
            compiled = compile_bulk(query, roots.access)
        except (BulkRefused, Refused) as error:
            return Payload(None, [UserError(f"Invalid bulk query: {error}", "INVALID", ("query",))])
        now, number = self.world.now(), 7_000_001 + len(self.operations)
        failure = "ACCESS_DENIED" if compiled.denied else None
        if failure is None and self.settings.bulk_failures:
            failure = self.settings.bulk_failures.pop(0)
        items = [] if failure == "ACCESS_DENIED" else roots.listing(compiled.root, compiled.args).items
        signed = urlencode({"Expires": int((now + KEPT).timestamp()), "Signature": self.signature(number)})
        self.operations[number] = BulkRun(
            number=number,
            query=query,
            grouped=grouped,
            created_at=now,
            snapshot=roots.snapshot,
            level=compiled.level,
            items=items,
            polls_left=self.settings.bulk_polls,
            fails_with=failure,
            address=f"{base_url}/bulk/{number}.jsonl?{signed}",
        )
        return Payload(self.operations[number], [])

    def cancel(self, number: int | None) -> Payload:
        run = self.operations.get(number or 0)
        if run is None:
            return Payload(None, [UserError("Bulk operation does not exist", field=("id",))])
        if run.status not in UNFINISHED:
            return Payload(run, [UserError(f"A {run.status.lower()} bulk operation cannot be cancelled.")])
        run.status = "CANCELING"
        return Payload(run, [])

    def poll(self, number: int) -> BulkRun | None:
        """The operation, one step further than at the last look."""
        run = self.operations.get(number)
        if run is not None:
            run.advance(self.world.now())
        return run

    def newest(self) -> BulkRun | None:
        return self.poll(max(self.operations)) if self.operations else None

    def signature(self, number: int) -> str:
        return f"{SECRET_CANARY}-{digest(self.world.shop.seed, 'bulk', number)[:32]}"

    def file(self, number: int, signature: str) -> BulkRun | None:
        """The finished operation whose result may be read with this signature, for seven days."""
        run = self.operations.get(number)
        if run is None or run.completed_at is None or signature != self.signature(number):
            return None
        expired = self.world.now() > run.completed_at + KEPT
        return None if expired or not (run.url or run.partial_data_url) else run
