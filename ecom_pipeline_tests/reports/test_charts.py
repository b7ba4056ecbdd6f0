"""The marks put values where they belong and say what they show."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from ecom_pipeline.reports.charts import (
    BAD,
    INK,
    LIGHT,
    Span,
    draw_bridge,
    draw_bullet,
    draw_pin,
    draw_sparkline,
    draw_tiers,
    stack_span,
)

SVG = "{http://www.w3.org/2000/svg}"


def _rects(svg: str) -> list[dict[str, str]]:
    return [rect.attrib for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect")]


def _all_marks() -> dict[str, str]:
    span = Span.of([-5, 10])
    return {
        "sparkline": draw_sparkline([1, None, 3, 2], "a < b", band=(1, 2)),
        "bullet": draw_bullet(7, "a < b", span, previous_year=5, target=9),
        "pin": draw_pin(-3, "a < b", span, tone=BAD),
        "tiers": draw_tiers([(3, INK), (-2, LIGHT)], "a < b", span),
        "bridge": draw_bridge(2, 6, "a < b", span, tone=INK),
    }


@pytest.mark.parametrize("mark", ["sparkline", "bullet", "pin", "tiers", "bridge"])
def test_every_mark_is_well_formed_titled_and_the_same_each_time(mark: str) -> None:
    svg = _all_marks()[mark]
    title = ElementTree.fromstring(svg).find(f"{SVG}title")
    assert title is not None and title.text == "a < b"
    assert svg == _all_marks()[mark]
    assert not re.search(r"nan|inf|e-\d", svg)


def test_a_bullet_is_as_long_as_its_value() -> None:
    span = Span.of([100])
    year, actual, target = _rects(draw_bullet(Decimal(50), "", span, previous_year=80, target=90, width=100))
    assert (actual["x"], actual["width"], actual["fill"]) == ("0", "50", INK)
    assert (year["width"], year["fill"]) == ("80", LIGHT)
    assert float(target["x"]) + float(target["width"]) / 2 == pytest.approx(90)


def test_a_negative_bullet_ends_at_zero() -> None:
    (actual,) = _rects(draw_bullet(-4, "", Span.of([-4, 6]), width=100))
    assert (actual["x"], actual["width"]) == ("0", "40")


def test_bridge_rows_join() -> None:
    span = Span.of([0, 10])
    first = _rects(draw_bridge(0, 10, "", span, tone=INK, width=100))[0]
    second = _rects(draw_bridge(10, 4, "", span, tone=BAD, width=100))[0]
    assert float(first["x"]) + float(first["width"]) == float(second["x"]) + float(second["width"]) == 100


def test_tiers_stack_each_sign_to_its_side() -> None:
    span = stack_span([(3, -2), (1, 1)])
    assert (span.low, span.high) == (-2, 3)
    bars = _rects(draw_tiers([(2, INK), (1, LIGHT), (-2, BAD)], "", span, width=50))
    assert [(bar["x"], bar["width"]) for bar in bars] == [("20", "20"), ("40", "10"), ("0", "20")]


def test_gaps_in_a_sparkline_stay_gaps() -> None:
    assert draw_sparkline([1, 2, None, 3, 4], "").count("<path") == 2
    assert draw_sparkline([None, None], "") == ""
    assert "<circle" not in draw_sparkline([1, 2, None], "")


def test_a_flat_line_and_huge_amounts_are_drawn() -> None:
    ElementTree.fromstring(draw_sparkline([5, 5, 5], "", band=(5, 5)))
    ElementTree.fromstring(draw_bullet(Decimal(10**30), "", Span.of([Decimal(10**30)])))
