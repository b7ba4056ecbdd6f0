"""Answers to the questions people decide by, in one language: the same text in the PDF and at the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ecom_pipeline.insights.questions.question import (
    Answer,
    Cell,
    CellUnit,
    QuestionWords,
    Segment,
    questions,
)
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.words import load_words
from ecom_pipeline.reports.writer import segment_name

_TEXTS = ("text", "label", "month")


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer's texts. A column is its heading and whether numbers stand in it; a cell without a value is a dash."""

    title: str
    sentence: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    others: str
    notes: tuple[str, ...]
    about: str


def write_answer(answer: Answer, language: str, currency: str) -> WrittenAnswer:
    """The answer in one language, amounts in the reporting currency."""
    words, report_words = questions()[answer.question].words(language), load_words(language)
    write = _Cells(words, Formats(language, currency))
    parts = {name: write.cell(part.unit, part.value, part.dimension) for name, part in answer.parts.items()}
    largest = _largest(answer)
    return WrittenAnswer(
        title=_print(words.title, language),
        sentence=_print(words.sentence[answer.sentence], language).format(**parts),
        columns=tuple(
            (_print(words.column[one.key], language), one.unit not in _TEXTS) for one in answer.columns
        ),
        rows=tuple(
            tuple(
                write.cell(column.unit, cell, column.dimension, beside)
                for column, cell, beside in zip(answer.columns, row, largest, strict=True)
            )
            for row in answer.rows
        ),
        others=report_words.count("questions.others", answer.others) if answer.others else "",
        notes=tuple(_print(words.note[note], language).format(**parts) for note in answer.notes),
        about=_print(words.about, language),
    )


def _largest(answer: Answer) -> list[Decimal | None]:
    """The largest of each column, and of all columns of shares, which are compared along the row too."""
    columns = [
        max((abs(cell) for cell in cells if isinstance(cell, Decimal)), default=None)
        for cells in zip(*answer.rows, strict=True)
    ]
    units = [column.unit for column in answer.columns]
    shares = [
        most for unit, most in zip(units, columns, strict=False) if unit == "percent" and most is not None
    ]
    return [
        max(shares) if unit == "percent" and shares else most
        for unit, most in zip(units, columns, strict=False)
    ]


class _Cells:
    """Writes single values of one question."""

    def __init__(self, words: QuestionWords, formats: Formats) -> None:
        self.words = words
        self.formats = formats

    def cell(self, unit: CellUnit, value: Cell, dimension: str | None, beside: Decimal | None = None) -> str:
        """The value as text; a number in a table as exact as the largest of its column, which stands beside it."""
        if value is None:
            return "–"
        match unit:
            case "day":
                assert isinstance(value, date)
                return self.formats.dated(value)
            case "month":
                assert isinstance(value, date)
                return self.formats.short_month(value)
            case "label":
                return _print(self.words.label[str(value)], self.formats.language)
            case "text":
                if isinstance(value, Segment):
                    dimension, value = value
                assert isinstance(value, str)
                if dimension is None:
                    return value
                return segment_name(load_words(self.formats.language), self.formats, dimension, value)
            case _:
                assert isinstance(value, Decimal)
                return self.formats.in_unit(unit, value, beside=beside)


def _print(text: str, language: str) -> str:
    """With the apostrophe of print, and what French sets apart kept with its word."""
    text = text.replace("'", "\u2019")
    return re.sub(r" ([:;?!%])", "\u00a0\\1", text) if language == "fr" else text
