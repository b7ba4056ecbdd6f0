"""The picture of a report's first page shows that page, at the width asked for, in its own inks."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from ecom_pipeline.reports import Report, render_first_page, render_html, render_pdf
from ecom_pipeline.reports.charts import BAD, GOOD, INK, LIGHT
from ecom_pipeline.reports.picture import UnreadablePdf

WIDTH = 1200
MILLIMETRE = WIDTH / 210


@pytest.fixture(scope="module")
def pdf(troubled: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "report.pdf"
    render_pdf(render_html(troubled, "fr"), path)
    return path


def _open(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


@pytest.mark.parametrize("width", [240, 999, WIDTH])
def test_it_is_an_a4_page_of_the_width_asked_for(pdf: Path, width: int) -> None:
    content = render_first_page(pdf, width)
    assert content.startswith(b"\x89PNG")
    picture = _open(content)
    assert picture.width == width
    assert picture.height == pytest.approx(width * 297 / 210, abs=1)


def test_it_is_small_enough_to_travel_and_the_same_bytes_each_time(pdf: Path) -> None:
    content = render_first_page(pdf, WIDTH)
    assert len(content) < 250_000
    assert render_first_page(pdf, WIDTH) == content


def test_it_shows_the_masthead_of_page_one_in_its_margins(pdf: Path) -> None:
    picture = _open(render_first_page(pdf, WIDTH)).convert("L")
    margin = round(13 * MILLIMETRE)
    assert picture.crop((0, 0, WIDTH, margin)).getextrema() == (255, 255)
    # The rule below the shop's name runs from margin to margin, darker than anything else that wide.
    top = picture.crop((0, margin, WIDTH, round(25 * MILLIMETRE)))
    rows = [top.crop((0, y, WIDTH, y + 1)).histogram() for y in range(top.height)]
    darkest = max(sum(histogram[:80]) for histogram in rows)
    assert darkest == pytest.approx(182 * MILLIMETRE, abs=4)


def test_its_few_colours_are_those_of_the_report(pdf: Path) -> None:
    picture = _open(render_first_page(pdf, WIDTH))
    shown = {colour: number for number, colour in picture.getcolors(1 << 16) or []}
    for ink in (INK, LIGHT, BAD, GOOD):
        nearest = min(_distance(ImageColor.getrgb(ink), colour) for colour in shown)
        assert nearest <= 6, ink


def _distance(one: tuple[int, ...], other: tuple[int, ...] | float) -> int:
    assert isinstance(other, tuple)
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("content", [b"", b"no PDF at all", b"%PDF-1.7\nbroken\n%%EOF", None])
def test_a_file_that_is_no_pdf_is_named_with_a_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "report.pdf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadablePdf) as raised:
        render_first_page(path, WIDTH)
    assert str(path) in raised.value.what
    assert raised.value.why
    assert "Render the report again" in raised.value.mend


def test_a_pdf_cut_short_is_an_error_or_its_page_and_never_another_exception(
    pdf: Path, tmp_path: Path
) -> None:
    content = pdf.read_bytes()
    cut = tmp_path / "cut.pdf"
    for end in range(1000, len(content), len(content) // 7):
        cut.write_bytes(content[:end])
        with suppress(UnreadablePdf):
            assert render_first_page(cut, 200).startswith(b"\x89PNG")
