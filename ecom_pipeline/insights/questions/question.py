"""What an answer to a question is: a small table and one sentence, in numbers only."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple

import duckdb
from pydantic import BaseModel, ConfigDict

import ecom_pipeline.insights.questions as package
from ecom_pipeline.kpis.definition import Unit


class Segment(NamedTuple):
    """A cell of a column in which segments of several dimensions stand."""

    dimension: str
    name: str


Cell = Decimal | date | str | Segment | None  # None: not known, which is never zero
CellUnit = (
    Unit | Literal["text", "label", "day", "month"]
)  # text stands as it is, a label is one of the question's words, a month is told by its first day


@dataclass(frozen=True)
class Column:
    """One column. `dimension` names whose segments its text cells are, so that countries have their names."""

    key: str
    unit: CellUnit
    dimension: str | None = None


@dataclass(frozen=True)
class Part:
    """A value within a sentence or a note."""

    unit: CellUnit
    value: Cell
    dimension: str | None = None


@dataclass(frozen=True)
class Answer:
    """The answer as of a day: the rows that matter most first, and the sentence that says what follows.

    `sentence` and `notes` are keys of the question's words, `parts` what their placeholders stand for.
    `others` counts the rows that are not listed.
    """

    question: str
    sentence: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    others: int = 0
    notes: tuple[str, ...] = ()


class QuestionWords(BaseModel):
    """A question in one language; `about` says in one or two sentences how it is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    about: str
    column: dict[str, str]
    sentence: dict[str, str]
    label: dict[str, str] = {}
    note: dict[str, str] = {}


class QuestionFile(BaseModel):
    """A question's `.toml`: `place` orders the questions among themselves, `reads` names the tables it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    place: int
    reads: tuple[str, ...]
    fr: QuestionWords
    en: QuestionWords


Ask = Callable[[duckdb.DuckDBPyConnection, date], Answer | None]


@dataclass(frozen=True)
class Question:
    """A question as its two files define it."""

    key: str
    file: QuestionFile
    ask: Ask

    def words(self, language: str) -> QuestionWords:
        return self.file.fr if language == "fr" else self.file.en

    def answer(self, connection: duckdb.DuckDBPyConnection, last_day: date) -> Answer | None:
        """The answer as of the end of a day; None before what it reads was built, and where nothing is to tell."""
        there = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables()"
            ).fetchall()
        }
        return self.ask(connection, last_day) if there.issuperset(self.file.reads) else None


@cache
def questions() -> dict[str, Question]:
    """Every question by its name, in their order."""
    found: list[Question] = []
    for module in iter_modules(package.__path__):
        words = files(package) / f"{module.name}.toml"
        if words.is_file():
            tree: dict[str, Any] = tomllib.loads(words.read_text(encoding="utf-8"))
            ask: Ask = import_module(f"{package.__name__}.{module.name}").answer
            found.append(Question(module.name, QuestionFile.model_validate(tree), ask))
    return {one.key: one for one in sorted(found, key=lambda one: one.file.place)}


def unmeasured_days(connection: duckdb.DuckDBPyConnection, kpi: str, first: date, last: date) -> set[date]:
    """The days of a span on which a KPI was not measured, whatever the reason: their sums would be short."""
    rows = connection.execute(
        """
        SELECT CAST(s.day AS DATE) FROM GENERATE_SERIES(?::DATE, ?::DATE, INTERVAL 1 DAY) AS s(day)
        LEFT JOIN kpi.days AS k ON k.kpi = ? AND k.day = s.day
        WHERE k.state IS DISTINCT FROM 'complete'
        """,
        [first, last, kpi],
    ).fetchall()
    return {day for (day,) in rows}


def answer_all(
    connection: duckdb.DuckDBPyConnection, last_day: date, names: Collection[str] | None = None
) -> tuple[Answer, ...]:
    """What can be answered of the named questions (all, by default) as of the end of a day, in that order."""
    asked = questions() if names is None else names
    answers = (questions()[name].answer(connection, last_day) for name in asked)
    return tuple(answer for answer in answers if answer is not None)
