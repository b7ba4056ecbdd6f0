"""`demo`: a simulated shop's sixty weeks through the whole pipeline, to a report in an inbox."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from ecom_pipeline.commands.failures import FAILED
from ecom_pipeline.commands.progress import RunDisplay
from ecom_pipeline.commands.running import print_failures
from ecom_pipeline.commands.session import console, native_libraries, shown_command, shown_path
from ecom_pipeline.demo import (
    ORDERS_PER_DAY,
    WEEKS,
    DemoPlan,
    begin_anew,
    is_finished,
    mark_finished,
    plan_for,
    simulated_vendors,
)
from ecom_pipeline.editions import Edition, report_choices
from ecom_pipeline.periods import ReportPeriod, Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline, system_clock
from ecom_pipeline.settings import CONFIG_VARIABLE, load_settings

if TYPE_CHECKING:
    from ecom_pipeline.reports import Report

STYLES = {"good": "green", "bad": "red", "plain": ""}


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where everything is written.", file_okay=False)
    ] = Path("var/demo"),
) -> None:
    """Run the whole pipeline on a simulated shop: 60 weeks read, computed, reported and e-mailed."""
    began = time.perf_counter()
    plan, folder = plan_for(system_clock()), folder.resolve()
    is_known = is_finished(folder, plan)
    if not is_known:
        begin_anew(folder)
    console.print(
        f"A simulated French shop with about {ORDERS_PER_DAY:.0f} orders a day, "
        f"{WEEKS} weeks and this week's days: {plan.first_day} to {plan.last_day}."
    )
    if is_known:
        console.print("This very history was read before: only its last day is read again.")
    display = RunDisplay(console)
    pipeline = _run(folder, plan, plan.last_day if is_known else plan.first_day, display)
    mark_finished(folder)
    _print_results(pipeline, folder)
    seconds = ", ".join(f"{name} {taken:.0f}" for name, taken in display.seconds.items())
    console.print(f"\nDone in {time.perf_counter() - began:.0f} s [dim]({seconds})[/]")


def _run(folder: Path, plan: DemoPlan, first_day: date, display: RunDisplay) -> Pipeline:
    """Everything from the simulated vendors to the received mails."""
    with ExitStack() as stack:
        stack.enter_context(display.shown())
        with display.phase("start", "Starting"), native_libraries():
            from ecom_pipeline.orchestration.backfill import run_backfill, run_report  # noqa: PLC0415 - loads slowly
        with display.phase("shop", "Simulating the shop"):
            config = stack.enter_context(simulated_vendors(folder, plan))
        os.environ[CONFIG_VARIABLE] = str(config)
        pipeline = Pipeline(load_settings(config))
        display.expect(pipeline, first_day, plan.last_day, pipeline.sources)
        outcome = run_backfill(pipeline, first_day, plan.last_day, display.on_progress, reports="none")
        display.end()
        if outcome.ok:
            with display.phase("report", "Reports and e-mails"):
                for period in _newest_periods(pipeline):
                    run_report(pipeline, period)
    if not outcome.ok:
        print_failures(outcome)
        raise typer.Exit(FAILED)
    return pipeline


def _print_results(pipeline: Pipeline, folder: Path) -> None:
    from ecom_pipeline.cockpits import cockpit_file  # noqa: PLC0415 - loads slowly
    from ecom_pipeline.reporting import compute_edition, deliver_edition, report_files  # noqa: PLC0415 - loads slowly

    settings = pipeline.settings
    editions = [
        Edition(period, *one) for period in _newest_periods(pipeline) for one in report_choices(settings)
    ]
    console.print()
    console.print(_essentials(compute_edition(pipeline, editions[0])))
    reports = [report_files(settings, edition).pdf for edition in editions]
    readers = [
        preview
        for edition in editions
        for preview in deliver_edition(pipeline, edition, dry_run=True).previews
    ]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Reports", "\n".join(shown_path(pdf) for pdf in reports))
    cockpits = [cockpit_file(settings, *one) for one in report_choices(settings)]
    table.add_row(
        "Cockpit", "\n".join(shown_path(file) for file in cockpits) + "\n[dim](open it in a browser)[/]"
    )
    table.add_row(
        "Mails", f"{shown_path(folder / 'mails')} (each as .eml, with its text, HTML and PDF beside it)"
    )
    for reader in readers:
        table.add_row("", Text(f"{reader.display}: {reader.explanation}", style="dim"))
    table.add_row("Dagster", f"{shown_command()} ui --config {shown_path(folder / 'ecom.toml')}")
    table.add_row(
        "A number",
        f"{shown_command()} kpi explain net_margin_rate --config {shown_path(folder / 'ecom.toml')}",
    )
    console.print()
    console.print(table)


def _newest_periods(pipeline: Pipeline) -> list[ReportPeriod]:
    """The newest complete week and month, as far as the history holds all of them."""
    newest = [newest_complete(rhythm, pipeline.newest_day()) for rhythm in Rhythm]
    return [period for period in newest if period.first_day >= pipeline.settings.shop.history_start]


def _essentials(report: Report) -> Table:
    """The first page's KPIs: value, change on the week before, target."""
    from ecom_pipeline.reports.rows import make_kpi_row  # noqa: PLC0415 - loads slowly
    from ecom_pipeline.reports.writer import Writer  # noqa: PLC0415

    writer = Writer(report, "en")
    title = f"{report.request.shop_name}, {report.period.name}"
    table = Table("Essential KPIs", "Value", "Week before", "Target", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for key in report.audience.essentials:
        row = make_kpi_row(writer, report.figures[key])
        change = Text(f"{row.previous.arrow} {row.previous.text}".strip(), style=STYLES[row.previous.tone])
        table.add_row(row.name, row.value, change, row.target)
    return table
