"""The PDF is accessible, self-contained, the same each time, and opens nothing."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import zlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.insights.actions import Shown
from ecom_pipeline.insights.signals import Cause
from ecom_pipeline.kpis.definition import Kpi, kpis
from ecom_pipeline.reports import Report, compute_report, pdf, render_html, render_pdf
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline.reports.pdf import ForbiddenAddress, InlineOnly
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, make_request, make_shop


@pytest.fixture(scope="module")
def french_pdf(troubled: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pdf") / "rapport.pdf"
    render_pdf(render_html(troubled, "fr"), path)
    return path


def _inflated(path: Path) -> bytes:
    """The file with its compressed streams opened, so that everything in it can be searched."""
    content = path.read_bytes()
    parts = [content]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"\n".join(parts)


def _page_texts(path: Path) -> list[str]:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed, so the PDF's text cannot be read.")
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True
    ).stdout
    return text.split("\f")[:-1]


def test_two_renderings_are_the_same_bytes(troubled: Report, french_pdf: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pdf"
    digest = render_pdf(render_html(troubled, "fr"), again)
    assert again.read_bytes() == french_pdf.read_bytes()
    assert len(digest) == 64


def test_it_declares_pdf_ua_its_language_and_its_title(french_pdf: Path) -> None:
    content = _inflated(french_pdf)
    assert b"pdfuaid" in content and re.search(rb"pdfuaid:part[>=\"']+1", content)
    assert b"/Lang (fr)" in content
    assert b"/MarkInfo" in content and b"/StructTreeRoot" in content
    assert b"/Alt" in content, "charts need an alternative text"
    assert b"/TH" in content


def test_only_the_bundled_fonts_are_in_it(french_pdf: Path) -> None:
    content = _inflated(french_pdf)
    fonts = set(re.findall(rb"/BaseFont /([\w+-]+)", content))
    assert {font.split(b"+")[-1].split(b"-")[0] for font in fonts} == {b"Inter"}
    assert content.count(b"/FontFile3") >= 2


def test_another_process_prints_the_same_bytes(troubled: Report, french_pdf: Path, tmp_path: Path) -> None:
    page, again = tmp_path / "page.html", tmp_path / "again.pdf"
    page.write_text(render_html(troubled, "fr"), encoding="utf-8")
    program = (
        "import sys, pathlib; from ecom_pipeline.reports import render_pdf; "
        "render_pdf(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'), pathlib.Path(sys.argv[2]))"
    )
    other = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LANG": "C"}
    subprocess.run([sys.executable, "-c", program, page, again], check=True, env=os.environ | other)
    assert again.read_bytes() == french_pdf.read_bytes()


def test_it_is_small_and_short(french_pdf: Path) -> None:
    assert french_pdf.stat().st_size < 300_000
    assert 4 <= len(_page_texts(french_pdf)) <= 8


def test_all_of_the_products_kpis_take_ten_light_pages(tmp_path: Path) -> None:
    own = kpis()
    report = compute_report(make_shop(own, Story(weeks=30)), own, make_request(kpis=own))
    path = tmp_path / "all.pdf"
    render_pdf(render_html(report, "fr"), path)
    assert 8 <= len(_page_texts(path)) <= 12
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_one_decides_alone_even_when_it_is_full(
    language: str, catalogue: dict[str, Kpi], tmp_path: Path
) -> None:
    names = tuple(
        f"Un canal dont le nom dépasse franchement quatre-vingts caractères, numéro {n:03}" for n in range(7)
    )
    story = Story(
        weeks=28,
        size=2500.0,
        segment_names=names,
        all_paid=True,
        campaign_burns=True,
        mobile_breaks=True,
        web_is_missing=True,
    )
    shown = [
        Shown(
            SUNDAY - timedelta(weeks=1),
            key,
            Cause.UNUSUAL,
            SUNDAY - timedelta(weeks=1),
            Decimal(2),
            Decimal(1),
        )
        for key in ("customer_acquisition_cost", "conversion_rate", "average_order_value")
    ]
    request = make_request(
        essentials=(*ESSENTIALS, "net_sales", "return_rate", "repeat_purchase_rate"), shown=tuple(shown)
    )
    path = tmp_path / "full.pdf"
    render_pdf(render_html(compute_report(make_shop(catalogue, story), catalogue, request), language), path)
    first, second = _page_texts(path)[:2]
    sales = "Ventes" if language == "fr" else "Sales"
    assert second.lstrip().startswith(sales), second
    assert ("Décisions proposées" if language == "fr" else "Proposed decisions") in first


@pytest.mark.parametrize(
    "address", ["http://example.com/x", "https://example.com/x", "file:///etc/hostname", "ftp://x/y"]
)
def test_nothing_outside_the_page_is_opened(address: str) -> None:
    with pytest.raises(ForbiddenAddress):
        InlineOnly().fetch(address)


def test_data_addresses_are_opened() -> None:
    assert InlineOnly().fetch("data:text/plain,ok").read() == b"ok"


def test_a_page_that_asks_for_a_file_gets_none_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    page = f'<html lang="en"><title>t</title><link rel="attachment" href="{secret.as_uri()}"><p>x</p></html>'
    out = tmp_path / "out.pdf"
    try:
        render_pdf(page, out)
    except ForbiddenAddress:
        assert not out.exists()
    else:
        assert b"a secret" not in _inflated(out)


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("ecom_pipeline.files.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        render_pdf('<html lang="en"><title>t</title><p>x</p></html>', path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.pdf"]
    assert path.read_bytes() == b"old"
    assert gc.isenabled(), "garbage is collected again"


def test_a_page_one_that_runs_over_is_set_more_closely(troubled: Report, tmp_path: Path) -> None:
    html = render_html(troubled, "fr")
    end = pdf.END_OF_PAGE_ONE
    assert end in html
    longer = [html.replace(end, f'<p style="height: {height}mm"></p>{end}') for height in range(0, 90, 4)]
    runs_over = next(one for one in longer if pdf._runs_over(one))
    fits, closer = tmp_path / "fits.pdf", tmp_path / "closer.pdf"
    render_pdf(html, fits)
    render_pdf(runs_over, closer)
    assert _page_texts(closer)[1] == _page_texts(fits)[1], "nothing of page one stands on page two"
