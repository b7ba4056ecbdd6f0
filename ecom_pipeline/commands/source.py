"""`source list`: every configured source, its tables, and when each was last read."""

from __future__ import annotations

import csv
from datetime import date, datetime
from io import StringIO
from typing import Annotated, Any

import typer
from rich.table import Table

from ecom_pipeline.commands.failures import CommandGroup
from ecom_pipeline.commands.session import console, print_json, session_of
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import missing_secrets, secret_fields, secret_variable
from ecom_pipeline.sources.files.settings import ready_tables
from ecom_pipeline.warehouse.connection import open_published

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="The configured sources and their tables.")


@app.callback()
def group() -> None:
    """The configured sources and their tables."""


@app.command("list")
def list_sources(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")] = False,
) -> None:
    """List the sources with their tables, how these change, and what was last read of them."""
    pipeline = session_of(context).pipeline
    sources = _sources_json(pipeline)
    if as_json:
        print_json(sources)
        return
    table = Table(
        "Source", "Table", "Changes", "Read at (UTC)", "Until", "Rows", box=None, padding=(0, 2, 0, 0)
    )
    for column in table.columns:
        column.no_wrap = True
    table.columns[-1].justify = "right"
    for source in sources:
        if table.row_count:
            table.add_row()
        shown = f"[bold]{source['source']}[/]"
        for one in source["tables"]:
            loaded = one["last_load_at"]
            when = f"{loaded:%d %b %H:%M}" if loaded else "never"
            rows = f"{one['rows_stored']:,}" if loaded else ""
            table.add_row(shown, one["table"], one["change"], when, str(one["last_day"] or ""), rows)
            shown = ""
    console.print(table)
    for source in sources:
        if source["secrets_missing"]:
            console.print(f"{source['source']} lacks {', '.join(source['secrets_missing'])}", style="red")
    console.print("Rows counts every version that was stored.", style="dim")


@app.command("template")
def show_template(
    name: Annotated[str, typer.Argument(help="A ready table: " + ", ".join(ready_tables()))],
) -> None:
    """Print the header line of the CSV that a ready table of a files source is filled with."""
    table = ready_tables().get(name)
    if table is None:
        raise ConfigurationError(
            f"There is no ready table {name}.", mend=f"Use one of {', '.join(ready_tables())}."
        )
    line = StringIO()
    csv.writer(line).writerow([column.from_ for column in table.columns.values()])
    console.print(line.getvalue().strip(), markup=False, highlight=False, soft_wrap=True)


def _sources_json(pipeline: Pipeline) -> list[dict[str, Any]]:
    loads = _last_loads(pipeline)
    found = []
    for name, source in pipeline.sources.items():
        instance = pipeline.settings.sources[name]
        missing = missing_secrets(instance)
        variables = [
            secret_variable(name, field)
            for field in secret_fields(type(instance.settings))
            if getattr(instance.settings, field) is not None
        ]
        found.append(
            {
                "source": name,
                "vendor": instance.vendor,
                "title": source.title,
                "secrets_present": [variable for variable in variables if variable not in missing],
                "secrets_missing": missing,
                "tables": [
                    {
                        "table": table.name,
                        "change": table.change.value,
                        "grain": table.grain,
                        "key": list(table.key),
                        **_load_json(loads.get((name, table.name))),
                    }
                    for table in pipeline.tables(name)
                ],
            }
        )
    return found


def _load_json(load: tuple[datetime, date, int] | None) -> dict[str, Any]:
    at, last_day, rows = load or (None, None, 0)
    return {"last_load_at": at, "last_day": last_day, "rows_stored": rows}


def _last_loads(pipeline: Pipeline) -> dict[tuple[str, str], tuple[datetime, date, int]]:
    """When each table was last read, up to which day, and how many rows were stored in all."""
    file = pipeline.settings.published_file
    if not file.is_file():
        return {}
    with open_published(file) as connection:
        rows = connection.execute(
            "SELECT source, table_name, MAX(asked_at), MAX(last_day), CAST(SUM(rows_stored) AS BIGINT) "
            "FROM ops.loads WHERE kind = 'window' GROUP BY source, table_name"
        ).fetchall()
    return {(source, table): (at, last_day, stored) for source, table, at, last_day, stored in rows}
