"""The mail says the message in its subject and stands alone in plain text."""

from __future__ import annotations

import re
from html import unescape

import pytest

from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import Report, compute_report, render_mail
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline.reports.sentences import write_headline, write_lede
from ecom_pipeline.reports.writer import Writer
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop


def test_the_subject_says_the_message(troubled: Report) -> None:
    subject = render_mail(troubled, "en").subject
    assert subject.startswith(
        "Maison Lumière, week 47: Customer acquisition cost: €46.60, above its usual range"
    )
    assert "\n" not in subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same(language: str, troubled: Report) -> None:
    mail = render_mail(troubled, language)
    writer = Writer(troubled, language)
    html = unescape(re.sub(r"<[^>]+>", " ", mail.html))
    for sentence in (write_headline(writer), *write_lede(writer)):
        assert sentence in mail.text and sentence in html
    for key in troubled.audience.essentials:
        assert (
            writer.name(key) in mail.text
            and writer.amount(key, troubled.figures[key].current.value) in mail.text
        )
    assert "<" not in mail.text


def test_missing_data_is_in_subject_text_and_html(incomplete: Report, usual: Report) -> None:
    mail = render_mail(incomplete, "fr")
    assert "données incomplètes" in mail.subject
    assert mail.text.index("DONNÉES INCOMPLÈTES") < mail.text.index("INDICATEURS ESSENTIELS")
    assert "Données incomplètes" in mail.html
    assert "ncompl" not in "".join((render_mail(usual, "fr").subject, render_mail(usual, "fr").html))


def test_the_html_needs_no_style_sheet_and_nothing_from_the_network(troubled: Report) -> None:
    html = render_mail(troubled, "fr").html
    assert "<style" not in html and not re.search(r"(?:src|href)=", html)
    assert 'width="600"' in html
    assert len(html) < 30_000


def test_names_are_escaped(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=2))
    report = compute_report(shop, catalogue, make_request(shop_name='<b onload="x">A & B</b>'))
    mail = render_mail(report, "en")
    assert "<b onload" not in mail.html
    assert '<b onload="x">A & B</b>' in mail.text


def test_it_is_the_same_each_time(troubled: Report) -> None:
    assert render_mail(troubled, "fr") == render_mail(troubled, "fr")
