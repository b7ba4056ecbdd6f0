"""`ask`: the tables people decide by, at the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecom_pipeline.commands.session import (
    LANGUAGES,
    console,
    native_libraries,
    parse_day,
    print_json,
    require_known,
    session_of,
)
from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.warehouse.connection import open_published

if TYPE_CHECKING:
    from ecom_pipeline.reports.answers import WrittenAnswer


def ask(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="One of the questions; without it, they are listed.")
    ] = None,
    day: Annotated[
        str | None, typer.Option("--day", help="As of the end of this day; by default the newest one.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="fr or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Answer a question people decide by: where to spend, what to reorder, what is still owed."""
    require_known(language, LANGUAGES, "language")
    if question is None:
        _print_list(language)
        return
    chosen = questions()[require_known(question, questions(), "question")]
    pipeline = session_of(context).pipeline
    last_day = parse_day(day, "--day") if day else pipeline.newest_day()
    with open_published(pipeline.settings.published_file) as connection:
        answer = chosen.answer(connection, last_day)
    if as_json:
        print_json(None if answer is None else {"day": last_day, **asdict(answer)})
    elif answer is None:
        console.print(f"Nothing can be told as of {last_day}: nothing feeds {', '.join(chosen.file.reads)}.")
    else:
        with native_libraries():
            from ecom_pipeline.reports.answers import write_answer  # noqa: PLC0415 - the reports load Pango
        _print_answer(write_answer(answer, language, pipeline.settings.shop.currency))


def _print_list(language: str) -> None:
    table = Table("Question", "", box=None, padding=(0, 2, 0, 0))
    for one in questions().values():
        table.add_row(one.key, one.words(language).title)
    console.print(table)


def _print_answer(answer: WrittenAnswer) -> None:
    console.print(f"[bold]{answer.title}[/]")
    console.print(answer.sentence)
    if answer.rows:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading, is_number in answer.columns:
            table.add_column(heading, justify="right" if is_number else "left")
        for row in answer.rows:
            table.add_row(*row)
        console.print(table)
    for line in (answer.others, *answer.notes, answer.about):
        if line:
            console.print(f"[dim]{line}[/]")
