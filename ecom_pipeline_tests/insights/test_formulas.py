"""Pieces of a formula's change: exact at every depth, without a preferred order, nothing for what did not move."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from math import prod
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_pipeline.insights.formulas import Amount, Node, Piece, Product, Sum, compute_pieces

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIGN: st.SearchStrategy[Literal[1, -1]] = st.sampled_from([1, -1])
NONZERO = st.builds(Fraction, st.integers(-40, 40).filter(bool), st.integers(1, 9))
AMOUNTS = st.builds(Amount, st.sampled_from("abcdefgh"), NONZERO, NONZERO)


def _can_be_divided_by(node: Node) -> bool:
    if isinstance(node, Amount):
        return True
    parts = node.terms if isinstance(node, Sum) else node.factors
    return all(_can_be_divided_by(part) for _, part in parts) and node.before != 0 and node.after != 0


def _formulas(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    listed = st.lists(st.tuples(SIGN, parts), min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Sum, st.just("sum"), listed), st.builds(Product, st.just("product"), listed)
    ).filter(_can_be_divided_by)


FORMULAS: st.SearchStrategy[Node] = st.recursive(AMOUNTS, _formulas, max_leaves=8)


def all_of(piece: Piece) -> list[Piece]:
    return [piece, *(one for child in piece.pieces for one in all_of(child))]


@UNTIMED
@given(FORMULAS)
def test_the_pieces_add_up_to_the_change_at_every_depth(whole: Node) -> None:
    found = compute_pieces(whole)
    assert found.effect == whole.after - whole.before
    for piece in all_of(found):
        if piece.pieces:
            assert sum((one.effect for one in piece.pieces), Fraction(0)) == piece.effect


@UNTIMED
@given(FORMULAS)
def test_a_part_that_did_not_move_did_nothing(whole: Node) -> None:
    for piece in all_of(compute_pieces(whole)):
        if piece.before == piece.after:
            assert piece.effect == 0


@UNTIMED
@given(st.lists(st.tuples(SIGN, AMOUNTS), min_size=2, max_size=4))
def test_a_factor_did_the_mean_of_what_it_does_over_all_orders(
    factors: list[tuple[Literal[1, -1], Amount]],
) -> None:
    """By the definition: move one after the other, in every order."""
    found = compute_pieces(Product("whole", tuple(factors)))
    orders = list(permutations(range(len(factors))))
    for place, piece in enumerate(found.pieces):
        steps = Fraction(0)
        for order in orders:
            moved = set(order[: order.index(place)])
            without, with_it = (
                prod(
                    (
                        (one.after if index in set_ else one.before) ** exponent
                        for index, (exponent, one) in enumerate(factors)
                    ),
                    start=Fraction(1),
                )
                for set_ in (moved, moved | {place})
            )
            steps += with_it - without
        assert piece.effect == steps / len(orders)


@UNTIMED
@given(FORMULAS)
def test_back_again_takes_everything_back(whole: Node) -> None:
    there, back = all_of(compute_pieces(whole)), all_of(compute_pieces(_turned(whole)))
    assert [piece.effect for piece in there] == [-piece.effect for piece in back]


@UNTIMED
@given(st.lists(st.tuples(SIGN, AMOUNTS), min_size=2, max_size=4))
def test_the_order_of_the_parts_says_nothing(
    factors: list[tuple[Literal[1, -1], Amount]],
) -> None:
    mixed = sorted(factors, key=repr)
    for kind in (Sum, Product):
        one, other = (compute_pieces(kind("whole", tuple(parts))) for parts in (factors, mixed))
        assert sorted((p.key, p.before, p.after, p.effect) for p in one.pieces) == sorted(
            (p.key, p.before, p.after, p.effect) for p in other.pieces
        )


def _turned(node: Node) -> Node:
    if isinstance(node, Amount):
        return Amount(node.key, node.after, node.before)
    if isinstance(node, Sum):
        return Sum(node.key, tuple((sign, _turned(part)) for sign, part in node.terms))
    return Product(node.key, tuple((exponent, _turned(part)) for exponent, part in node.factors))


def test_a_quotient_by_hand() -> None:
    """12 / 3 = 4 became 20 / 4 = 5: eight more above did 8 x (1/3 + 1/4) / 2, one more below took the rest."""
    above, below = Amount("above", Fraction(12), Fraction(20)), Amount("below", Fraction(3), Fraction(4))
    found = compute_pieces(Product("whole", ((1, above), (-1, below))))
    assert [piece.effect for piece in found.pieces] == [Fraction(7, 3), Fraction(-4, 3)]
    assert found.effect == 1


def test_parts_that_cancel_are_told_within_one_that_stood_still() -> None:
    steady = Sum(
        "steady", ((1, Amount("up", Fraction(1), Fraction(3))), (1, Amount("down", Fraction(4), Fraction(2))))
    )
    found = compute_pieces(Product("whole", ((1, steady), (1, Amount("times", Fraction(10), Fraction(20))))))
    assert [piece.effect for piece in found.pieces] == [0, 50]
    assert [piece.effect for piece in found.pieces[0].pieces] == [30, -30]


def test_a_product_within_a_sum_is_told_by_its_factors() -> None:
    """10 x 5 - 4 became 12 x 6 - 7: two more at 5.5, one dearer at 11, three more given back."""
    sold = Product(
        "", ((1, Amount("orders", Fraction(10), Fraction(12))), (1, Amount("each", Fraction(5), Fraction(6))))
    )
    found = compute_pieces(Sum("whole", ((1, sold), (-1, Amount("returns", Fraction(4), Fraction(7))))))
    assert {one.key: one.effect for one in found.pieces} == {"orders": 11, "each": 11, "returns": -3}


def test_nothing_is_divided_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        compute_pieces(
            Product(
                "whole",
                ((1, Amount("a", Fraction(1), Fraction(1))), (-1, Amount("b", Fraction(0), Fraction(1)))),
            )
        )
