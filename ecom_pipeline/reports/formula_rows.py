"""A KPI's change by the parts of its formula: a sentence for page one, and the whole tree as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ecom_pipeline.insights.formula_table import OTHERS, formula_table
from ecom_pipeline.insights.formulas import Piece
from ecom_pipeline.kpis.definition import Kpi, Unit
from ecom_pipeline.reports.report import FormulaChange
from ecom_pipeline.reports.writer import Writer


@dataclass(frozen=True)
class FormulaRow:
    """One part, so many formulas deep; `own` is what the part itself did, `effect` what it did to the KPI."""

    depth: int
    label: str
    own: str
    effect: str


@dataclass(frozen=True)
class FormulaBlock:
    """A KPI's change in parts; the rows of one depth add up to the row above them."""

    title: str
    rows: tuple[FormulaRow, ...]


def make_formulas(writer: Writer) -> list[FormulaBlock]:
    """One block a formula, the KPI itself first."""
    return [
        FormulaBlock(
            _title(writer, one.kpi),
            tuple(_rows(writer, writer.kpi(one.kpi), one.whole, _largest(writer.kpi(one.kpi), one.whole), 0)),
        )
        for one in writer.report.formulas
    ]


def write_formula(writer: Writer, kpi: str) -> str:
    """The parts of the KPI's formula and what each did, in one sentence; empty where it has none."""
    change = next((one for one in writer.report.formulas if one.kpi == kpi), None)
    if change is None:
        return ""
    largest = _largest(writer.kpi(kpi), change.whole)
    told = [
        (one.key, writer.formats.difference(writer.kpi(kpi), one.effect, beside=largest))
        for one in _told(change)
    ]
    parts = [f"{_name(writer, key)} {effect}" for key, effect in told if not _is_nothing(effect)]
    return writer.words.say("formulas.sentence", parts=writer.words.say("semicolon").join(parts))


def _told(change: FormulaChange) -> list[Piece]:
    """The parts of the first formula that moved anything, largest first."""
    moved = [one for one in change.whole.pieces if one.effect]
    return sorted(moved, key=lambda one: (-abs(one.effect), one.key))


def _title(writer: Writer, kpi: str) -> str:
    """The KPI's name; where its parts are a year's, that they are, for page one has those of the period."""
    name = writer.name(kpi)
    is_over_year = kpi in formula_table().over_year
    return writer.words.say("formulas.over_year", name=name) if is_over_year else name


def _largest(kpi: Kpi, whole: Piece) -> Fraction:
    """What says how exactly the column of effects is told: the KPI itself, but for points the largest effect.

    Parts may be many times the whole and undo each other.
    """
    if kpi.unit == "percent":
        return max(abs(whole.effect), *(abs(one.effect) for one in whole.pieces), Fraction(0))
    return max(abs(whole.before), abs(whole.after))


def _rows(writer: Writer, kpi: Kpi, piece: Piece, largest: Fraction, depth: int) -> Iterator[FormulaRow]:
    effect = writer.formats.difference(kpi, piece.effect, beside=largest)
    unit, ends = _unit(writer, piece.key), (piece.before, piece.after)
    beside = max(abs(end) for end in ends)
    own = " → ".join(writer.formats.in_unit(unit, end, beside=beside) for end in ends)
    yield FormulaRow(depth, _name(writer, piece.key), own, effect)
    for one in piece.pieces:
        if piece.dimension is not None:
            label = (
                writer.words.say("formulas.others")
                if one.key == OTHERS
                else writer.short_segment(piece.dimension, one.key, 46)
            )
            effect = writer.formats.difference(kpi, one.effect, beside=largest)
            # A segment's row is its effect alone: what reads as nothing need not be read.
            if not _is_nothing(effect):
                yield FormulaRow(depth + 1, label, "", effect)
        elif one.effect or one.pieces:
            yield from _rows(writer, kpi, one, largest, depth + 1)


def _is_nothing(effect: str) -> bool:
    return not any(digit in "123456789" for digit in effect)


def _name(writer: Writer, key: str) -> str:
    part = formula_table().part.get(key)
    return writer.text(part.name) if part is not None else writer.name(key)


def _unit(writer: Writer, key: str) -> Unit:
    part = formula_table().part.get(key)
    return part.unit if part is not None else writer.kpi(key).unit
