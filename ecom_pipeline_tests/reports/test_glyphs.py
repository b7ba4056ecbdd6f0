"""Whatever things are named, the report prints it in the bundled typeface and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pikepdf
import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import compute_report, render_html, render_pdf
from ecom_pipeline.reports.glyphs import PLACEHOLDER, write_with_bundled_font
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Crème brûlée – 12,5 % (½ kg) → « été »", "Crème brûlée – 12,5 % (½ kg) → « été »"),
        ("tCO₂e", "tCO₂e"),
        ("Żółć Ελλάδα Привет Việt", "Żółć Ελλάδα Привет Việt"),
        ("𝗕𝗼𝘂𝗴𝗶𝗲 ﬁne", "Bougie fine"),
        ("🌸 Bougie 👩‍👧", " Bougie "),
        ("北京 Tea", PLACEHOLDER * 2 + " Tea"),
        ("① Ⅳ", "1 IV"),
        ("a\nb\tc", "a\nb\tc"),
        ("", ""),
    ],
)
def test_a_name_keeps_what_can_be_read(name: str, printed: str) -> None:
    assert write_with_bundled_font(name) == printed


def test_no_font_of_the_machine_gets_into_the_pdf(catalogue: dict[str, Kpi], tmp_path: Path) -> None:
    names = ("🌸 Bougie", "北京 Tea", "𝗕𝗼𝘂𝗴𝗶𝗲", "עברית", "a\u0323\u200d", "\u202erenversé", "½ kg CO₂")
    shop = make_shop(catalogue, Story(weeks=3, segment_names=names, restates=False))
    report = compute_report(shop, catalogue, make_request(shop_name="🌸 Maison 北京 🌸"))
    render_pdf(render_html(report, "fr"), tmp_path / "report.pdf")
    with pikepdf.open(tmp_path / "report.pdf") as document:
        fonts = {
            re.sub(r"^/[A-Z]{6}\+", "", str(font.BaseFont))
            for page in document.pages
            for font in page.Resources.Font.as_dict().values()
        }
        assert fonts == {"Inter", "Inter-Semi-Bold"}
        assert str(document.docinfo.Title).strip().startswith(f"Maison {PLACEHOLDER * 2}")
