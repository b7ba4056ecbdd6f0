"""`doctor`: what is missing before anything can run, by name, with its remedy."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.text import Text

from ecom_pipeline.commands.failures import FAILED
from ecom_pipeline.commands.session import console, print_json, session_of, shown_counts
from ecom_pipeline.doctor import Examination, examine

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "bold red")}


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of lines.")] = False,
) -> None:
    """Check keys and rights at every source, the mail server, libraries, fonts and storage."""
    examinations: list[Examination] = []
    with session_of(context).reachable() as pipeline:
        for examination in examine(pipeline):
            examinations.append(examination)
            if not as_json:
                _print(examination)
    states = Counter(finding.state for one in examinations for finding in one.findings)
    if as_json:
        print_json(
            {
                "errors": states["error"],
                "warnings": states["warning"],
                "findings": [
                    {"area": one.area, **vars(finding)} for one in examinations for finding in one.findings
                ],
            }
        )
    else:
        counts = shown_counts({"error": states["error"], "warning": states["warning"]})
        console.print(f"\n{counts or 'Everything is in order'}.", style="bold")
    if states["error"]:
        raise typer.Exit(FAILED)


def _print(examination: Examination) -> None:
    console.print(f"\n[bold]{examination.area}[/]")
    for finding in examination.findings:
        mark, style = MARKS[finding.state]
        console.print(Text.assemble((f"  {mark} ", style), finding.subject, " ", (finding.detail, "dim")))
        if finding.mend and finding.state != "ok":
            console.print(Text.assemble("      ", (f"To mend: {finding.mend}", "yellow")))
