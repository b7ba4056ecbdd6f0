"""What KPIs are made of, as `formulas.toml` declares it, and a KPI's change told by those parts."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ecom_pipeline.insights.drivers import Drivers, Parts, choose_drivers, compute_drivers, fold_drivers
from ecom_pipeline.insights.formulas import UNNAMED, Amount, Node, Piece, Product, Sum, compute_pieces
from ecom_pipeline.kpis.definition import Unit, Words

MOST_DEPTH = 2  # formulas within the formula
MOST_SEGMENTS = 3  # named below a part; one more sums the rest
OTHERS = "*"
_ONE = "1"


class Part(BaseModel):
    """What a formula names that is no KPI: an expression of its own (`is`), or one of KPIs' sums (`from`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit: Unit
    fr: str
    en: str
    formula: str | None = Field(default=None, alias="is")
    sums: str | None = Field(default=None, alias="from")

    @property
    def name(self) -> Words:
        return Words(fr=self.fr, en=self.en)


class FormulaTable(BaseModel):
    """The file as it is: formulas by KPI, parts by key, and which formulas' parts are read over a year."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    over_year: tuple[str, ...]
    formula: dict[str, str]
    part: dict[str, Part]

    def expression(self, key: str) -> str | None:
        """What a KPI or part is made of; None when it is told as it is."""
        return self.part[key].formula if key in self.part else self.formula.get(key)


@cache
def formula_table() -> FormulaTable:
    """The formulas the product ships with."""
    text = files(__package__).joinpath("formulas.toml").read_text(encoding="utf-8")
    return FormulaTable.model_validate(tomllib.loads(text))


@dataclass(frozen=True)
class Numbers:
    """A KPI's sums in the period before and in this one; `segments` by dimension, where it has any."""

    before: Parts
    after: Parts
    segments: Mapping[str, tuple[Mapping[str, Parts], Mapping[str, Parts]]] = field(default_factory=dict)


def needed_kpis(kpi: str) -> frozenset[str]:
    """The KPIs whose sums the formula rests on, its own among them; empty for a KPI without a formula."""
    table = formula_table()
    if kpi not in table.formula:
        return frozenset()
    found, todo = {kpi}, [(kpi, 0)]
    while todo:
        key, depth = todo.pop()
        expression = table.expression(key) if depth < MOST_DEPTH else None
        part = table.part.get(key)
        if expression is not None:
            todo += [(name, depth + 1) for name in _names(expression)]
        elif part is None:
            found.add(key)
        else:
            found |= _names(part.sums or part.formula or "")
    return frozenset(name for name in found if name not in table.part)


def explain_formula(kpi: str, numbers: Mapping[str, Numbers]) -> Piece | None:
    """The KPI's change by the parts of its formula, two formulas deep, and those by the segment that says most.

    None without a formula, where a number is missing or nothing can be divided, and where the parts do not make the
    KPI's own value exactly.
    """
    if kpi not in formula_table().formula or any(key not in numbers for key in needed_kpis(kpi)):
        return None
    try:
        whole = _node(kpi, numbers, 0)
        own = numbers[kpi]
        if (whole.before, whole.after) != (_value(own.before), _value(own.after)):
            return None
        return _by_segment(compute_pieces(whole), numbers)
    except ZeroDivisionError:
        return None


def _names(expression: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}


def _value(parts: Parts) -> Fraction:
    return parts.numerator if parts.denominator is None else parts.numerator / parts.denominator


def _node(key: str, numbers: Mapping[str, Numbers], depth: int) -> Node:
    expression = formula_table().expression(key) if depth < MOST_DEPTH else None
    if expression is None:
        return Amount(key, *_amounts(key, numbers))
    return _operation(key, ast.parse(expression, mode="eval").body, numbers, depth)


def _operation(key: str, tree: ast.expr, numbers: Mapping[str, Numbers], depth: int) -> Node:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        terms = _flat(tree, ast.Add, ast.Sub)
        return Sum(key, tuple((sign, _leaf(one, numbers, depth)) for sign, one in terms))
    factors = _flat(tree, ast.Mult, ast.Div)
    return Product(key, tuple((exponent, _leaf(one, numbers, depth)) for exponent, one in factors))


def _leaf(tree: ast.expr, numbers: Mapping[str, Numbers], depth: int) -> Node:
    if isinstance(tree, ast.Constant):
        return Amount(_ONE, Fraction(1), Fraction(1))
    if isinstance(tree, ast.Name):
        return _node(tree.id, numbers, depth + 1)
    return _operation(UNNAMED, tree, numbers, depth)


def _flat(
    tree: ast.expr, plus: type[ast.operator], minus: type[ast.operator]
) -> list[tuple[Literal[1, -1], ast.expr]]:
    """The operands of a chain of two operators, those of the second with -1."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (plus, minus)):
        return [*_flat(tree.left, plus, minus), (1 if isinstance(tree.op, plus) else -1, tree.right)]
    return [(1, tree)]


def _amounts(key: str, numbers: Mapping[str, Numbers]) -> tuple[Fraction, Fraction]:
    """A KPI's or part's value in both periods."""
    part = formula_table().part.get(key)
    if part is None:
        return _value(numbers[key].before), _value(numbers[key].after)
    if part.sums is not None:
        tree = ast.parse(part.sums, mode="eval").body
        return (
            _evaluate(tree, lambda name: numbers[name].before),
            _evaluate(tree, lambda name: numbers[name].after),
        )
    node = _node(key, numbers, MOST_DEPTH - 1)
    return node.before, node.after


def _evaluate(tree: ast.expr, find: Callable[[str], Parts]) -> Fraction:
    """An expression of KPIs' numerators and denominators."""
    if isinstance(tree, ast.Attribute):
        assert isinstance(tree.value, ast.Name)
        parts = find(tree.value.id)
        return parts.numerator if tree.attr == "numerator" else parts.denominator or Fraction(0)
    assert isinstance(tree, ast.BinOp)
    left, right = _evaluate(tree.left, find), _evaluate(tree.right, find)
    match tree.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
    return left / right


def _by_segment(piece: Piece, numbers: Mapping[str, Numbers]) -> Piece:
    """Parts that are not taken apart, by the segments of the dimension in which one explains most."""
    if piece.pieces:
        return replace(piece, pieces=tuple(_by_segment(one, numbers) for one in piece.pieces))
    drivers = choose_drivers(_splits(piece.key, numbers)) if piece.before != piece.after else None
    if drivers is None:
        return piece
    named = fold_drivers(drivers.drivers, MOST_SEGMENTS, OTHERS)
    zero = Fraction(0)
    return replace(
        piece,
        dimension=drivers.dimension,
        pieces=tuple(Piece(one.segment, zero, one.effect, piece.weight) for one in named),
    )


def _splits(key: str, numbers: Mapping[str, Numbers]) -> list[Drivers | None]:
    part = formula_table().part.get(key)
    if part is None and key in numbers:
        own = numbers[key]
        return [
            compute_drivers(dimension, before, after, own.before, own.after)
            for dimension, (before, after) in own.segments.items()
        ]
    if part is None or part.sums is None or "/" in part.sums:
        return []
    tree, names = ast.parse(part.sums, mode="eval").body, sorted(_names(part.sums))
    totals = [Parts(amount) for amount in _amounts(key, numbers)]
    shared = set.intersection(*(set(numbers[name].segments) for name in names))
    found = []
    for dimension in sorted(shared):
        before, after = (_segment_sums(tree, names, numbers, dimension, slot) for slot in (0, 1))
        found.append(compute_drivers(dimension, before, after, totals[0], totals[1]))
    return found


def _segment_sums(
    tree: ast.expr, names: list[str], numbers: Mapping[str, Numbers], dimension: str, slot: int
) -> dict[str, Parts]:
    cuts = {name: numbers[name].segments[dimension][slot] for name in names}
    nothing = Parts(Fraction(0), Fraction(0))
    return {
        segment: Parts(_evaluate(tree, lambda name, segment=segment: cuts[name].get(segment, nothing)))  # type: ignore[misc]
        for segment in sorted(set[str]().union(*cuts.values()))
    }
