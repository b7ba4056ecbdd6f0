"""What a long run is doing right now, for whoever started it in the same process.

Dagster's events tell it to the UI; a terminal that runs a backfill wants it without a database in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step forward. `done` of `total` count the steps of the stage."""

    stage: str  # extract, compute, publish, cockpit, report
    label: str
    done: int
    total: int


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Tell the listener everything that is reported inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_progress(progress: Progress) -> None:
    """Tell the listener, when there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(progress)
