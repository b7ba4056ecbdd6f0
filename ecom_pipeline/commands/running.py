"""`backfill`, `sweep` and `ui`: what runs the pipeline, now or for as long as it is open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ecom_pipeline.commands.failures import FAILED
from ecom_pipeline.commands.progress import RunDisplay
from ecom_pipeline.commands.session import (
    console,
    native_libraries,
    parse_day,
    print_json,
    require_known,
    session_of,
)
from ecom_pipeline.errors import ConfigurationError, EcomError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import CONFIG_VARIABLE

if TYPE_CHECKING:
    from ecom_pipeline.orchestration.backfill import BackfillOutcome

LOOPBACK = "127.0.0.1"
WORKSPACE = """load_from:
  - python_module:
      module_name: ecom_pipeline.definitions
      location_name: ecom_pipeline
"""
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON at the end instead of bars.")]


def backfill(
    context: typer.Context,
    first: Annotated[
        str | None, typer.Option("--from", help="First day, as 2026-01-31; by default the history's first.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last day, as 2026-01-31; by default yesterday.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Read this source only; may be given several times.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read, compute and report a range of days; sends nothing, and may be repeated at will."""
    with native_libraries():
        from ecom_pipeline.orchestration.backfill import run_backfill  # noqa: PLC0415 - Dagster loads slowly
    session = session_of(context)
    os.environ[CONFIG_VARIABLE] = str(session.settings.file)
    first_day, last_day = _days(session.pipeline, first, last)
    for name in source or ():
        require_known(name, session.settings.sources, "source")
    with session.reachable() as pipeline:
        if as_json:
            outcome = run_backfill(pipeline, first_day, last_day, sources=source)
            print_json(_outcome_json(outcome))
        else:
            with RunDisplay(console).shown() as display:
                display.expect(pipeline, first_day, last_day, source or pipeline.sources)
                outcome = run_backfill(pipeline, first_day, last_day, display.on_progress, sources=source)
                display.end()
            print_failures(outcome)
    if not outcome.ok:
        raise typer.Exit(FAILED)


def print_failures(outcome: BackfillOutcome) -> None:
    """What a backfill did, and for each part that failed why and what runs it again."""
    parts = f"{outcome.first_day} to {outcome.last_day}"
    if outcome.ok:
        console.print(f"Done: {parts} in {sum(outcome.seconds.values()):.0f} s.")
        return
    console.print(f"{parts}: everything is stored but these {len(outcome.failed)} parts.", style="bold red")
    for part in outcome.failed:
        console.print(Text(f"\n{part.what}, {part.first_day} to {part.last_day}", style="bold"))
        console.print(Text(f"  {part.reason}"), soft_wrap=True)
        console.print(Text(f"  To run it again: {part.again}"), soft_wrap=True)


def _outcome_json(outcome: BackfillOutcome) -> dict[str, Any]:
    return {
        "first_day": outcome.first_day,
        "last_day": outcome.last_day,
        "ok": outcome.ok,
        "runs": outcome.runs,
        "failed": [
            {
                "what": part.what,
                "first_day": part.first_day,
                "last_day": part.last_day,
                "reason": part.reason,
                "again": part.again,
            }
            for part in outcome.failed
        ],
        "seconds": {stage: round(seconds, 1) for stage, seconds in outcome.seconds.items()},
    }


def _days(pipeline: Pipeline, first: str | None, last: str | None) -> tuple[date, date]:
    first_day = parse_day(first, "--from") if first else pipeline.settings.shop.history_start
    last_day = parse_day(last, "--to") if last else pipeline.newest_day()
    if first_day > last_day:
        raise ConfigurationError(
            f"--from {first_day} comes after --to {last_day}.", mend="Exchange them, or leave one out."
        )
    return first_day, last_day


def sweep(
    context: typer.Context,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Compare this source only; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of lines.")] = False,
) -> None:
    """Find records that have vanished at the vendors, and restate the days they touch."""
    session = session_of(context)
    chosen = [
        require_known(name, session.settings.sources, "source") for name in source or session.settings.sources
    ]
    with session.reachable() as pipeline:
        found, failed = _sweep_tables(pipeline, chosen)
        if any(one["vanished"] for one in found):
            pipeline.compute(pipeline.newest_day(), pipeline.newest_day())
            pipeline.publish()
    if as_json:
        print_json({"swept": found, "failed": [error.what for error in failed]})
    else:
        for one in found:
            console.print(
                f"{one['source']}, {one['table']}: {one['held']:,} held there, {one['vanished']:,} vanished"
            )
        if not found and not failed:
            console.print("No table of these sources needs a sweep.")
    if failed:
        raise failed[0]


def _sweep_tables(pipeline: Pipeline, sources: Sequence[str]) -> tuple[list[dict[str, Any]], list[EcomError]]:
    first_day, last_day = pipeline.settings.shop.history_start, pipeline.newest_day()
    found: list[dict[str, Any]] = []
    failed: list[EcomError] = []
    swept_tables = [(name, table) for name in sources for table in pipeline.tables(name) if table.swept]
    for name, table in swept_tables:
        try:
            swept = pipeline.sweep(name, table, first_day, last_day)
        except EcomError as error:
            failed.append(error)
            continue
        found.append(
            {"source": name, "table": table.name, "held": swept.rows_read, "vanished": swept.rows_stored}
        )
    return found, failed


def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on this configuration, on this machine only, until Ctrl-C; starts the schedules."""
    with native_libraries():
        from ecom_pipeline.orchestration.instance import prepare_home  # noqa: PLC0415 - Dagster loads slowly
    session = session_of(context)
    os.environ[CONFIG_VARIABLE] = str(session.settings.file)
    _require_free(port)
    with session.reachable():
        home = prepare_home(session.settings)
        workspace = home / "workspace.yaml"
        workspace.write_text(WORKSPACE, encoding="utf-8")
        console.print(f"Dagster opens at [bold]http://{LOOPBACK}:{port}[/] in some seconds; Ctrl-C ends it.")
        status = _run_dagster(workspace, port)
    raise typer.Exit(status)


def _run_dagster(workspace: Path, port: int) -> int:
    command = [
        sys.executable, "-W", "ignore:Function `dev_command` is superseded",
        "-m", "dagster", "dev", "-w", str(workspace), "-h", LOOPBACK, "-p", str(port), "--log-level", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    # A terminal's Ctrl-C reaches Dagster by itself, a service manager's signal would not.
    before = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
    try:
        return FAILED if process.wait() else 0
    except KeyboardInterrupt:
        process.wait()
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _require_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise EcomError(
                f"Port {port} is taken.",
                why="Another program listens there, perhaps this UI in another window.",
                mend=f"Choose another: ecom-pipeline ui --port {port + 1 if port < 65535 else 3000}",
            ) from None
