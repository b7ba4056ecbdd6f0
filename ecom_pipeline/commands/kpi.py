"""`kpi list` and `kpi explain`: what each number means, where it comes from and what it was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ecom_pipeline.commands.cohorts import print_cohorts
from ecom_pipeline.commands.failures import CommandGroup
from ecom_pipeline.commands.session import (
    LANGUAGES,
    console,
    native_libraries,
    print_json,
    require_known,
    session_of,
    shown_path,
)
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.kpis.cohorts import DIMENSIONS, read_cohorts
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.warehouse.connection import open_published

if TYPE_CHECKING:
    from ecom_pipeline.commands.explanation import Estimate, Explanation, Input

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="What each KPI means, and what it was.")
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")]


@app.command("list")
def list_kpis(as_json: JsonOption = False) -> None:
    """List every KPI by family."""
    if as_json:
        print_json([_definition_json(kpi) for kpi in kpis().values()])
        return
    table = Table("KPI", "Name", "Unit", "Kind", box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    family = ""
    for kpi in kpis().values():
        if kpi.family != family:
            table.add_row()
            table.add_row(f"[bold]{kpi.family}[/]")
            family = kpi.family
        table.add_row(kpi.key, kpi.name.en, kpi.unit, kpi.kind.value)
    console.print(table)
    console.print(f"\n{len(kpis())} KPIs. More about one: ecom-pipeline kpi explain {next(iter(kpis()))}")


@app.command()
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The KPI, as `kpi list` names it.")],
    language: Annotated[
        str | None, typer.Option("--language", help="fr or en; by default the texts in both.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain one KPI: definition, SQL, inputs down to the vendors' tables, last values."""
    with native_libraries():
        from ecom_pipeline.commands.explanation import explain_kpi  # noqa: PLC0415 - the reports' formats load Pango
    require_known(name, kpis(), "KPI")
    if language is not None:
        require_known(language, LANGUAGES, "language")
    explanation = explain_kpi(session_of(context).pipeline, kpis()[name])
    if as_json:
        print_json(_definition_json(explanation.kpi) | _explanation_json(explanation))
        return
    _print_explanation(explanation, (language,) if language else LANGUAGES)


@app.command("document")
def document_all(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", file_okay=False, help="The folder to write.")],
) -> None:
    """Write every KPI's page from its file, in both languages, as Markdown with an index."""
    with native_libraries():
        from ecom_pipeline.commands.documentation import write_documentation  # noqa: PLC0415 - as above
    pipeline = session_of(context).pipeline
    written = write_documentation(output, pipeline.catalog, pipeline.settings.shop.currency)
    console.print(f"{len(written)} pages. Begin with {shown_path(output / LANGUAGES[0] / 'index.md')}.")


@app.command("cohorts")
def show_cohorts(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", help="One of " + ", ".join(DIMENSIONS))] = "total",
    segment: Annotated[str | None, typer.Option(help="One channel, country or product only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show each month's new customers: who came back, what they earned, and when they had paid for themselves."""
    if by not in DIMENSIONS:
        raise ConfigurationError(f"Cohorts are not cut by {by}.", mend=f"Use one of {', '.join(DIMENSIONS)}.")
    settings = session_of(context).pipeline.settings
    with open_published(settings.published_file) as connection:
        cohorts = read_cohorts(connection, by, segment)
    if as_json:
        print_json([asdict(cohort) for cohort in cohorts])
        return
    print_cohorts(cohorts, Formats("en", settings.shop.currency))


def _definition_json(kpi: Kpi) -> dict[str, Any]:
    document = kpi.model_dump(mode="json", exclude={"sql", "touches"})
    document["reference"] = document["reference"] and {
        kind: limit for kind, limit in document["reference"].items() if limit is not None
    }
    return document


def _explanation_json(explanation: Explanation) -> dict[str, Any]:
    return {
        "sql": explanation.kpi.sql.strip(),
        "inputs": [_input_json(one) for one in explanation.inputs],
        "targets": [one.model_dump(by_alias=True, exclude_none=True) for one in explanation.targets],
        **{span: asdict(one) for span, one in explanation.progress.items()},
        "estimate": asdict(explanation.estimate) if explanation.estimate else None,
        "values": [
            {
                "period": one.period.value,
                "first_day": one.first_day,
                "last_day": one.last_day,
                "value": one.current.value,
                "state": one.current.state.value,
                "reason": one.current.reason,
                "previous": one.previous.value,
                "numerator": one.current.numerator,
                "denominator": one.current.denominator,
                "low": one.current.low,
                "high": one.current.high,
                "coverage": one.current.coverage,
                "history_days": one.current.history_days,
            }
            for one in (*explanation.days, *explanation.weeks)
        ],
    }


def _input_json(one: Input) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "description": one.description,
        "inputs": [_input_json(inner) for inner in one.inputs],
    }


def _print_explanation(explanation: Explanation, languages: tuple[str, ...]) -> None:
    kpi = explanation.kpi
    titles = " / ".join(kpi.name.in_language(language) for language in languages)
    console.print(
        Panel(_facts(explanation, languages), title=f"[bold]{titles}[/] ({kpi.key})", title_align="left")
    )
    tree = Tree("[bold]Inputs[/]")
    for one in explanation.inputs:
        _grow(tree, one, set())
    console.print(tree)
    if explanation.days:
        console.print(_values(explanation))
    else:
        console.print("No values yet: run the pipeline once, ecom-pipeline backfill.")
    console.print(Panel(Syntax(kpi.sql.strip(), "sql", word_wrap=True), title="SQL", title_align="left"))


def _facts(explanation: Explanation, languages: tuple[str, ...]) -> Group:
    kpi = explanation.kpi
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    for language in languages:
        table.add_row(f"definition ({language})", kpi.definition.in_language(language))
    window = f" over {kpi.window} days" if kpi.window else ""
    table.add_row("kind, unit", f"{kpi.kind.value}{window}, {kpi.unit}; good is {kpi.good}")
    if kpi.dimensions:
        table.add_row("segments", ", ".join(kpi.dimensions))
    if kpi.matures_after:
        table.add_row("shown after", f"{kpi.matures_after} days, when a day's value is final enough")
    if explanation.reference:
        table.add_row("reference", explanation.reference)
    if explanation.estimate is not None:
        _add_estimate(table, explanation, explanation.estimate)
    for goal in explanation.goals:
        table.add_row("target", f"{goal} (ecom.toml)")
    for span, standing in explanation.standings.items():
        table.add_row(f"this {span}", standing)
    if kpi.action is not None:
        for language in languages:
            table.add_row(f"what to do ({language})", kpi.action.in_language(language))
    table.add_row("definition since", f"version {kpi.since}")
    return Group(table)


def _add_estimate(table: Table, explanation: Explanation, estimate: Estimate) -> None:
    low, high = explanation.show(estimate.low), explanation.show(estimate.high)
    table.add_row("likely between", f"{low} and {high} (5 to 95 %, of the fit)")
    if estimate.foretold is not None and estimate.happened:
        error = estimate.foretold / estimate.happened - 1
        table.add_row(
            "back-test",
            f"half a year ago {estimate.foretold:,.0f} repeat purchases were foretold, {estimate.happened:,} happened "
            f"({error:+.1%})",
        )


def _grow(tree: Tree, one: Input, seen: set[str]) -> None:
    known = one.name in seen and one.inputs
    description = "shown above" if known else one.description
    branch = tree.add(Text.assemble(one.name, " ", (description, "dim")))
    seen.add(one.name)
    if not known:
        for inner in one.inputs:
            _grow(branch, inner, seen)


def _values(explanation: Explanation) -> Table:
    table = Table("Period", "Value", "Before", "State", title="Last values", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for values in (explanation.days, explanation.weeks):
        for one in values:
            iso = one.last_day.isocalendar()
            period = (
                f"{one.last_day:%a %d %b %Y}" if values is explanation.days else f"{iso.year}-W{iso.week:02d}"
            )
            state = one.current.state.value.replace("_", " ")
            if one.current.reason:
                state += f" ({one.current.reason})"
            state = ", ".join((state, *explanation.notes(one)))
            table.add_row(
                period, explanation.show(one.current.value), explanation.show(one.previous.value), Text(state)
            )
        table.add_section()
    return table
