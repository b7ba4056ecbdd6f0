"""Which parts moved a formula, in pieces that add up to the change exactly, at every depth.

A sum's change is that of its terms. In a product or a quotient each factor's piece is its Shapley value: its own
change, times the mean of what the other factors make of it over all orders in which they could have moved one after
the other. No order is preferred, nothing is left over, and a part that did not move did nothing. The value is the
part's change times a weight, so that a part which is a formula itself hands its weight on to its own parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial, prod
from typing import Literal

UNNAMED = ""  # the key of a product within a sum: its pieces are told as the sum's own


@dataclass(frozen=True)
class Amount:
    """A part that is not taken apart, in the period before and in this one; a ratio is its value."""

    key: str
    before: Fraction
    after: Fraction


@dataclass(frozen=True)
class Sum:
    """Terms added up, each with its sign."""

    key: str
    terms: tuple[tuple[Literal[1, -1], Node], ...]

    @property
    def before(self) -> Fraction:
        return sum((sign * term.before for sign, term in self.terms), Fraction(0))

    @property
    def after(self) -> Fraction:
        return sum((sign * term.after for sign, term in self.terms), Fraction(0))


@dataclass(frozen=True)
class Product:
    """Factors multiplied, each with its exponent: what has -1 is divided by and must not be zero."""

    key: str
    factors: tuple[tuple[Literal[1, -1], Node], ...]

    @property
    def before(self) -> Fraction:
        return prod((factor.before**exponent for exponent, factor in self.factors), start=Fraction(1))

    @property
    def after(self) -> Fraction:
        return prod((factor.after**exponent for exponent, factor in self.factors), start=Fraction(1))


Node = Amount | Sum | Product


@dataclass(frozen=True)
class Piece:
    """What a part did to the whole, in the whole's unit; `before`, `after` are its own values.

    The effects of its pieces add up to its own. `weight` is what a unit of its change did to the whole. Where the
    pieces are segments, `dimension` says of what, and theirs is the part's change, from zero.
    """

    key: str
    before: Fraction
    after: Fraction
    weight: Fraction
    pieces: tuple[Piece, ...] = ()
    dimension: str | None = None

    @property
    def effect(self) -> Fraction:
        return self.weight * (self.after - self.before)


def compute_pieces(whole: Node) -> Piece:
    """The formula's change in pieces, in the order in which the formula names its parts.

    Raises:
        ZeroDivisionError: what is divided by is zero in one of the periods.
    """
    return _piece(whole, Fraction(1))


def _piece(node: Node, weight: Fraction) -> Piece:
    found: list[Piece] = []
    if isinstance(node, Sum):
        found = [_piece(term, weight * sign) for sign, term in node.terms]
    elif isinstance(node, Product):
        found = [
            _piece(factor, weight * own)
            for (_, factor), own in zip(node.factors, _factor_weights(node.factors), strict=True)
        ]
    pieces = [one for piece in found for one in (piece.pieces if piece.key == UNNAMED else (piece,))]
    return Piece(node.key, node.before, node.after, weight, tuple(pieces))


def _factor_weights(factors: Sequence[tuple[Literal[1, -1], Node]]) -> list[Fraction]:
    """What a unit of each factor's change does to the product, over all orders of the others."""
    powers = [(factor.before**exponent, factor.after**exponent) for exponent, factor in factors]
    weights = []
    for place, (exponent, factor) in enumerate(factors):
        others = powers[:place] + powers[place + 1 :]
        # 1/after - 1/before is the change times this: a divisor has a weight even when it did not move.
        own = Fraction(1) if exponent == 1 else -1 / (factor.before * factor.after)
        weights.append(own * _mean_over_orders(others))
    return weights


def _mean_over_orders(others: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The mean product of the others when each may or may not have moved before."""
    count, mean = len(others), Fraction(0)
    for size in range(count + 1):
        share = Fraction(factorial(size) * factorial(count - size), factorial(count + 1))
        for moved in combinations(range(count), size):
            mean += share * prod(
                (after if place in moved else before for place, (before, after) in enumerate(others)),
                start=Fraction(1),
            )
    return mean
