"""Things that go wrong between a vendor and its client, switched on for a counted number of requests.

Faults are armed in process (`world.faults.arm(...)`) or over HTTP (`POST /_sandbox/faults`). They
live apart from the vendors so that every vendor fails in the same ways; only the bodies differ.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal, get_args

FaultKind = Literal[
    "server_error",
    "rate_limited",
    "expired_token",
    "timeout",
    "html",
    "reset",
    "truncated_json",
    "repeated_page",
    "looping_cursor",
    "missing_column",
    "retyped_column",
    "extra_column",
]
INSTEAD: frozenset[FaultKind] = frozenset(
    ("server_error", "rate_limited", "expired_token", "timeout", "html")
)
CUT: frozenset[FaultKind] = frozenset(("reset", "truncated_json"))
PAGE: frozenset[FaultKind] = frozenset(("repeated_page", "looping_cursor"))
COLUMN: frozenset[FaultKind] = frozenset(("missing_column", "retyped_column", "extra_column"))

FOREVER = 1_000_000


@dataclass
class Fault:
    """One armed fault. `where` is looked for in path, query and body; `skip` requests pass unharmed first."""

    vendor: str
    kind: FaultKind
    times: int
    where: str = ""
    skip: int = 0
    status: int = 500
    retry_after: int | None = None
    seconds: float = 30.0
    column: str = ""
    beside: str = ""


class Faults:
    """The armed faults of one world; safe to arm from another thread than the server's."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._lock = threading.Lock()

    def arm(
        self,
        vendor: str,
        kind: FaultKind,
        *,
        times: int | None = None,
        where: str = "",
        skip: int = 0,
        status: int = 500,
        retry_after: int | None = None,
        seconds: float = 30.0,
        column: str = "",
        beside: str = "",
    ) -> Fault:
        """Make the next `times` matching requests of `vendor` go wrong (default 1; a looping cursor: always).

        `status` is for server_error, `retry_after` (seconds) for rate_limited, `seconds` for timeout,
        `column` for the column faults; an extra column goes into every object that has `beside`.
        Raises ValueError for an unknown kind or a column fault without a column.
        """
        if kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {kind!r}")
        if kind in COLUMN and not column:
            raise ValueError(f"{kind} needs a column")
        if kind == "extra_column" and not beside:
            raise ValueError("extra_column needs the column beside which it appears")
        if times is None:
            times = FOREVER if kind == "looping_cursor" else 1
        fault = Fault(vendor, kind, times, where, skip, status, retry_after, seconds, column, beside)
        with self._lock:
            self._armed.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def pending(self) -> list[Fault]:
        """The faults that still have requests to spoil."""
        with self._lock:
            return list(self._armed)

    def take(self, vendor: str, text: str, kinds: frozenset[FaultKind]) -> Fault | None:
        """The first armed fault of these kinds for this request, counted as used."""
        with self._lock:
            for fault in self._armed:
                if fault.vendor != vendor or fault.kind not in kinds or fault.where not in text:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._armed.remove(fault)
                return fault
        return None

    def take_all(self, vendor: str, text: str, kinds: frozenset[FaultKind]) -> list[Fault]:
        """One use of every armed fault of these kinds for this request."""
        with self._lock:
            armed = [f for f in self._armed if f.vendor == vendor and f.kind in kinds and f.where in text]
        return [taken for fault in armed if (taken := self._use(fault)) is not None]

    def _use(self, fault: Fault) -> Fault | None:
        with self._lock:
            if fault.skip > 0:
                fault.skip -= 1
                return None
            fault.times -= 1
            if fault.times <= 0 and fault in self._armed:
                self._armed.remove(fault)
            return fault


def spoil_columns(tree: Any, fault: Fault) -> Any:
    """A copy of a JSON answer in which every field of the fault's name is dropped, retyped or added."""
    if isinstance(tree, list):
        return [spoil_columns(item, fault) for item in tree]
    if not isinstance(tree, dict):
        return tree
    spoiled = {}
    for name, value in tree.items():
        if name != fault.column:
            spoiled[name] = spoil_columns(value, fault)
        elif fault.kind == "retyped_column":
            spoiled[name] = retyped(value)
        elif fault.kind == "extra_column":
            spoiled[name] = value
    if fault.kind == "extra_column" and fault.beside in tree:
        spoiled.setdefault(fault.column, "unannounced")
    return spoiled


def retyped(value: Any) -> Any:
    """The value in another JSON type, as when a vendor turns a number into an object."""
    if isinstance(value, int | float | str) or value is None:
        return {"value": value}
    return "retyped"
