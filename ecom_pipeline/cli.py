"""`ecom-pipeline`: everything a person does with the product at a terminal.

Exit codes: 0 it worked, 1 something failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecom_pipeline import __version__
from ecom_pipeline.commands import kpi, readers, source
from ecom_pipeline.commands.alerting import alert
from ecom_pipeline.commands.asking import ask
from ecom_pipeline.commands.diagnosis import doctor
from ecom_pipeline.commands.failures import CommandGroup
from ecom_pipeline.commands.reports import report, send
from ecom_pipeline.commands.running import backfill, sweep, ui
from ecom_pipeline.commands.session import Session, console
from ecom_pipeline.commands.showing import demo
from ecom_pipeline.commands.viewing import cockpit

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 it worked, 1 something failed, 2 wrong usage or configuration.",
)
app.command()(demo)
app.command()(ui)
app.command()(doctor)
app.command()(backfill)
app.command()(sweep)
app.command()(report)
app.command()(send)
app.command()(cockpit)
app.command()(alert)
app.command()(ask)
app.add_typer(kpi.app, name="kpi")
app.add_typer(source.app, name="source")
app.add_typer(readers.app, name="readers")


def _print_version(asked: bool) -> None:
    if asked:
        console.print(f"ecom-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def entry(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The ecom.toml to use, anywhere in the line; by default $ECOM_CONFIG, else the nearest one "
            "from here upwards.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """A shop's data from its vendors' APIs to KPIs, and to a weekly PDF in an inbox."""
    context.obj = Session(config)


def main() -> None:
    """Run the command line."""
    app(prog_name="ecom-pipeline")
