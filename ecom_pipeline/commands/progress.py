"""What a long run is doing, as bars on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.warehouse.catalog import read_models

if TYPE_CHECKING:
    from ecom_pipeline.orchestration.progress import Progress as Step

STAGES = {
    "extract": "Reading the sources",
    "compute": "Models and KPIs",
    "publish": "Publishing for readers",
    "cockpit": "Cockpits",
    "report": "Weekly report",
}
LABEL_WIDTH = 24
CHUNK_DAYS = 92  # of orchestration.extracts, which loads too slowly to ask


class RunDisplay:
    """Bars for the stages of a run, appearing as they begin; they count over all steps of a stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tables = len(read_models()) + len(kpis())
        self._built: set[str] = set()
        self._reads = self._read = 0
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn(f"{{task.description:<{LABEL_WIDTH}}}"),
            BarColumn(28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[label]}[/]"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    @contextmanager
    def shown(self) -> Iterator[RunDisplay]:
        """Show the bars while the block runs; what began and did not end stays unfinished."""
        with self._bars:
            yield self

    def expect(self, pipeline: Pipeline, first_day: date, last_day: date, sources: Iterable[str]) -> None:
        """Tell how much there is to read: every table of the sources, in chunks of days."""
        chunks = ((last_day - first_day).days + CHUNK_DAYS) // CHUNK_DAYS
        self._reads = chunks * sum(len(pipeline.tables(source)) for source in sources)

    @contextmanager
    def phase(self, name: str, title: str) -> Iterator[None]:
        """One step without parts."""
        self._start(name, title, None)
        yield
        self._finish(name)

    def on_progress(self, step: Step) -> None:
        """Take one step of a backfill."""
        if step.stage not in self._tasks:
            for earlier in list(self._began):
                self._finish(earlier)
            self._start(step.stage, STAGES.get(step.stage, step.stage.capitalize()), step.total)
        done, total = step.done, step.total
        if step.stage == "compute":
            self._built.add(step.label)
            done, total = len(self._built), self._tables
        elif step.stage == "extract":
            self._read += 1
            done, total = self._read - 1, max(self._reads, self._read)
        self._bars.update(self._tasks[step.stage], completed=done, total=total, label=step.label)

    def end(self) -> None:
        """Close whatever is still under way."""
        for name in list(self._began):
            self._finish(name)

    def _start(self, name: str, title: str, total: int | None) -> None:
        self._began[name] = time.perf_counter()
        self._tasks[name] = self._bars.add_task(title, total=total, label="")
        if not self._console.is_terminal:
            self._console.print(f"{title} …")

    def _finish(self, name: str) -> None:
        self.seconds[name] = time.perf_counter() - self._began.pop(name)
        task = next(task for task in self._bars.tasks if task.id == self._tasks[name])
        self._bars.update(task.id, completed=task.total or 1, total=task.total or 1, label="")
