"""The PDF can be read aloud: PDF/UA-1 checked by a tool, and what the tool does not look at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from ecom_pipeline.reports import render_pdf

# In each language whole, and each hard shop in one of them.
PRINTED = [
    ("trouble", "fr"),
    ("trouble", "en"),
    ("half_missing", "en"),
    ("long_names", "fr"),
    ("monthly", "fr"),
    ("service", "en"),
]
_DEFECTS = {
    "FIG-001": '<h1>x</h1><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    "HDG-001": "<h1>A title</h1><h3>Too deep</h3><p>Text.</p>",
    "TBL-001": "<h1>A title</h1><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
    "DOC-010": "<h1>A title</h1>",
}


def _check(path: Path) -> list[dict[str, Any]]:
    """What outloud finds, errors and warnings alike."""
    command: list[str | Path] = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "outloud.cli",
        path,
        "--json",
        "-",
        "--fail-on",
        "never",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (result,) = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]["results"]
    assert result.get("error") is None
    findings: list[dict[str, Any]] = result["findings"]
    return findings


def _is_mistaken(finding: dict[str, Any]) -> bool:
    """Two rules guess from a table's looks, and guess wrong for ours."""
    # A single row: its own header and those of its columns outnumber the rest by two.
    counts = re.search(r"(\d+) header cells against (\d+) data cells", finding["message"])
    one_row = finding["rule"] == "TBL-010" and counts is not None and int(counts[1]) == int(counts[2]) + 2
    # A table that begins a page begins with the same headers as the one on the page before.
    is_head = finding["rule"] == "PAG-001" and re.match(
        r"Objectif|Target|Indicateur|KPI", finding["evidence"]
    )
    return one_row or bool(is_head)


@pytest.mark.parametrize(("case", "language"), PRINTED)
def test_a_checker_of_pdf_ua_finds_nothing(case: str, language: str, print_case: Callable[..., Path]) -> None:
    findings = [one for one in _check(print_case(case, language)) if not _is_mistaken(one)]
    assert [(one["rule"], one["message"], one.get("evidence")) for one in findings] == []


@pytest.mark.parametrize("rule", list(_DEFECTS))
def test_the_checker_sees_what_it_is_there_for(rule: str, tmp_path: Path) -> None:
    title = "" if rule == "DOC-010" else "<title>A report</title>"
    render_pdf(
        f'<html lang="en"><head>{title}</head><body>{_DEFECTS[rule]}</body></html>', tmp_path / "x.pdf"
    )
    assert rule in {one["rule"] for one in _check(tmp_path / "x.pdf")}


@pytest.fixture(scope="module", params=[("trouble", "fr"), ("monthly", "fr"), ("service", "en")])
def printed(
    request: pytest.FixtureRequest, print_case: Callable[..., Path]
) -> Iterator[tuple[Path, pikepdf.Pdf]]:
    path = print_case(*request.param)
    with pikepdf.open(path) as document:
        yield path, document


def _elements(node: Any) -> Iterator[Any]:
    """The structure elements in reading order."""
    for child in node.K if isinstance(node.get("/K"), pikepdf.Array) else [node.get("/K")]:
        if isinstance(child, pikepdf.Dictionary) and "/S" in child:
            yield child
            yield from _elements(child)


def _outline(item: Any) -> Iterator[str]:
    while item is not None:
        yield str(item.Title)
        yield from _outline(item.get("/First"))
        item = item.get("/Next")


def test_it_says_its_language_its_title_and_that_it_is_tagged(printed: tuple[Path, pikepdf.Pdf]) -> None:
    path, document = printed
    html = path.with_suffix(".html").read_text(encoding="utf-8")
    title = unescape(re.findall(r"<title>(.*?)</title>", html)[0])
    assert str(document.Root.Lang) == re.findall(r'<html lang="(..)"', html)[0]
    assert document.Root.MarkInfo.Marked == True  # noqa: E712  # a PDF's own boolean
    assert document.Root.ViewerPreferences.DisplayDocTitle == True  # noqa: E712
    assert str(document.docinfo.Title) == title
    with document.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == title
    assert {str(page.Tabs) for page in document.pages} == {"/S"}


def test_every_font_is_embedded_in_part_and_maps_to_letters(printed: tuple[Path, pikepdf.Pdf]) -> None:
    fonts = {
        str(font.BaseFont): font
        for page in printed[1].pages
        for font in page.Resources.Font.as_dict().values()
    }
    assert {re.sub(r"^/[A-Z]{6}\+", "", name) for name in fonts} == {"Inter", "Inter-Semi-Bold"}
    for font in fonts.values():
        (descendant,) = font.DescendantFonts
        assert len(descendant.FontDescriptor.FontFile3.read_bytes()) > 1000
        assert "/ToUnicode" in font


def test_bookmarks_are_the_headings_in_reading_order(printed: tuple[Path, pikepdf.Pdf]) -> None:
    path, document = printed
    html = path.with_suffix(".html").read_text(encoding="utf-8")
    headings = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", html, re.DOTALL)
    told = [" ".join(unescape(re.sub("<[^>]+>", "", one)).split(" ")) for one in headings]
    assert list(_outline(document.Root.Outlines.First)) == told
    assert len(told) > 8


def test_headings_tables_and_figures_are_told_apart(printed: tuple[Path, pikepdf.Pdf]) -> None:
    elements = list(_elements(printed[1].Root.StructTreeRoot))
    kinds = [str(element.S) for element in elements]
    levels = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H\d", kind)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    scopes = {str(element.A.Scope) for element in elements if element.S == "/TH"}
    assert scopes == {"/Column", "/Row"}
    figures = [element for element in elements if element.S == "/Figure"]
    assert len(figures) > 10
    assert all(len(str(figure.Alt)) > 20 for figure in figures)
    for row in (element for element in elements if element.S == "/TR"):
        cells = [str(cell.S) for cell in row.K]
        assert cells[0] == "/TH" and set(cells) <= {"/TH", "/TD"}


def test_no_header_is_without_words(printed: tuple[Path, pikepdf.Pdf]) -> None:
    html = printed[0].with_suffix(".html").read_text(encoding="utf-8")
    cells = re.findall(r"<th[ >].*?</th>", html, re.DOTALL)
    assert len(cells) > 30
    assert [cell for cell in cells if not re.sub("<[^>]+>", "", cell).strip()] == []


def test_margins_are_decoration_and_everything_else_is_read(printed: tuple[Path, pikepdf.Pdf]) -> None:
    for page in printed[1].pages:
        furniture = 0
        for instruction in pikepdf.parse_content_stream(page, "BDC"):
            assert isinstance(instruction, pikepdf.ContentStreamInstruction)
            kind, held = instruction.operands
            if str(kind) == "/Artifact":
                furniture += 1
                assert str(held.Type) == "/Pagination"
            else:
                assert "/MCID" in held
        assert furniture >= 3  # shop and week, legend, page number


def test_it_leads_nowhere_and_runs_nothing(printed: tuple[Path, pikepdf.Pdf]) -> None:
    active = {
        "/URI",
        "/JS",
        "/JavaScript",
        "/Launch",
        "/GoToR",
        "/EmbeddedFiles",
        "/OpenAction",
        "/AA",
        "/AcroForm",
    }
    for held in printed[1].objects:
        if isinstance(held, pikepdf.Dictionary | pikepdf.Stream):
            assert not active & set(held.keys())
            assert str(held.get("/S", "")) not in active
