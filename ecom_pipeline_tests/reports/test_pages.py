"""The report's pages look as they were last looked at, and a change that an eye would see is found."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from ecom_pipeline.reports import render_pdf
from ecom_pipeline_tests.reports.pages import (
    KEPT,
    REFERENCES,
    compare_pages,
    draw_pages,
    mark_difference,
    name_page,
)

_RENEW = "python -m ecom_pipeline_tests.reports.pages"


@cache
def _draw(pdf: Path) -> list[Image.Image]:
    return list(draw_pages(pdf))


@pytest.mark.parametrize(("case", "language"), list(KEPT), ids=str)
def test_pages_look_as_they_were_last_looked_at(
    case: str, language: str, print_case: Callable[..., Path], tmp_path: Path
) -> None:
    drawn, changed = _draw(print_case(case, language)), []
    for number in KEPT[case, language]:
        name = name_page(case, language, number)
        assert number <= len(drawn), f"The report has only {len(drawn)} pages."
        difference = compare_pages(drawn[number - 1], Image.open(REFERENCES / name))
        if difference:
            drawn[number - 1].save(tmp_path / name)
            mark_difference(drawn[number - 1], difference).save(tmp_path / f"difference-{name}")
            changed.append(f"{name}: {difference.share:.2%} differs")
    assert changed == [], f"Look at {tmp_path}; if the change is meant: {_RENEW}"


def test_every_reference_is_looked_at_and_they_are_light() -> None:
    kept = {name_page(*key, number) for key, numbers in KEPT.items() for number in numbers}
    assert {path.name for path in REFERENCES.glob("*.png")} == kept
    assert sum(path.stat().st_size for path in REFERENCES.glob("*.png")) < 500_000


# What somebody might do to style.css: the rule as it is, and what becomes of it.
_MUTATIONS = {
    "a narrower column": ("{ width: 16.5%; }", "{ width: 14%; }"),
    "a lost colour": (".value.bad { color: #b3261e;", ".value.bad { color: #1f2a37;"),
    "arrows without colour": (".bad .arrow { color: #b3261e; }", ".bad .arrow { color: #1f2a37; }"),
    "a lost underline": ("text-decoration: underline; text-decoration-thickness: 0.7pt;", ""),
    "lost rules between rows": ("border-bottom: 0.3pt solid #dde2e7;", ""),
    "a smaller headline": ("h1 { font-size: 17pt;", "h1 { font-size: 16pt;"),
    "numbers to the left": (".number { text-align: right;", ".number { text-align: left;"),
}


@pytest.mark.parametrize("mutation", list(_MUTATIONS))
def test_a_change_that_an_eye_would_see_is_found(
    mutation: str, print_case: Callable[..., Path], tmp_path: Path
) -> None:
    html = print_case("trouble", "fr").with_suffix(".html").read_text(encoding="utf-8")
    rule, instead = _MUTATIONS[mutation]
    assert rule in html
    head, page_one = html[: html.index("<body")], html[html.index("<body") :]
    page_one = page_one[: page_one.index('<section class="family')]
    whole, broken = tmp_path / "whole.pdf", tmp_path / "broken.pdf"
    render_pdf(head + page_one, whole)
    render_pdf(head.replace(rule, instead) + page_one, broken)
    (now, *_), (then, *_) = _draw(broken), _draw(whole)
    assert not compare_pages(then, then)
    assert compare_pages(now, then)


def test_a_slightly_different_smoothing_of_letters_is_let_through(print_case: Callable[..., Path]) -> None:
    page = _draw(print_case("trouble", "fr"))[0]
    smoother = page.resize((page.width * 2, page.height * 2), Image.Resampling.BICUBIC).resize(
        page.size, Image.Resampling.BOX
    )
    assert smoother.tobytes() != page.tobytes()
    assert not compare_pages(smoother, page)
    moved = Image.new("RGB", page.size, "white")
    moved.paste(page, (2, 0))
    assert compare_pages(moved, page)
