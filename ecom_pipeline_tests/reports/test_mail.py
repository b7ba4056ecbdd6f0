"""The mail says the message in its subject and stands alone in plain text."""

from __future__ import annotations

import re
from html import escape, unescape

import pytest

from ecom_pipeline.delivery import PICTURE_REFERENCE
from ecom_pipeline.delivery.message import UNSUBSCRIBE_REFERENCE
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports import Report, compute_report, render_mail
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline.reports.sentences import write_headline, write_lede
from ecom_pipeline.reports.writer import Writer
from ecom_pipeline_tests.reports.shop import Story, make_request, make_shop


def test_the_subject_says_the_message(troubled: Report) -> None:
    subject = render_mail(troubled, "en").subject
    assert subject.startswith("Customer acquisition cost: €46.60, above its usual range")
    assert subject.endswith(" – Maison Lumière, week 47")
    assert "\n" not in subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_inbox_shows_after_the_subject_what_the_subject_leaves_out(
    language: str, troubled: Report, usual: Report, young: Report
) -> None:
    for report in (troubled, usual, young):
        mail = render_mail(report, language)
        first = next(text for text in texts_of(mail.html) if text)
        shown = first.replace("\u034f\u200c\u00a0", "")
        assert first == shown + "\u034f\u200c\u00a0" * 80, "the page's own first words would follow"
        assert 20 < len(shown) < 160
        assert shown not in mail.subject and mail.html.count(escape(shown)) == 1, "it is there to be seen"
        if report.headline:
            assert Writer(report, language).name(report.headline.kpi) not in shown
    known = str(len(troubled.decisions))
    assert texts_of(render_mail(troubled, language).html)[0].startswith(known)


def texts_of(html: str) -> list[str]:
    """The texts of the page in order, without tags."""
    body = html[html.index("<body") :]
    return [unescape(text).strip("\r\n\t ") for text in re.split(r"<[^>]+>", body) if text.strip()]


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
    assert mail.subject.startswith("Données incomplètes")
    assert mail.subject.lower().count("données incomplètes") == 1
    assert mail.text.index("DONNÉES INCOMPLÈTES") < mail.text.index("INDICATEURS ESSENTIELS")
    assert "Données incomplètes" in mail.html
    assert "ncompl" not in "".join((render_mail(usual, "fr").subject, render_mail(usual, "fr").html))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_needs_no_style_sheet_and_nothing_from_the_network(
    language: str, troubled: Report, incomplete: Report
) -> None:
    for report in (troubled, incomplete):
        html = render_mail(report, language).html
        addresses = re.findall(r'(?:src|href|background)="([^"]+)"', html)
        assert addresses == [PICTURE_REFERENCE, UNSUBSCRIBE_REFERENCE]
        assert "url(" not in html and "@import" not in html
        assert len(html) < 30_000
        bare = re.sub(r"(?s)<style>.*?</style>", "", html)
        for element in re.findall(r"<(?:td|th|h1|h2|span|strong class)[^>]*>", bare):
            assert "style=" in element or element == "<td>", f"{element} has no look of its own"


def test_the_style_sheet_gives_each_colour_a_dark_one(troubled: Report, incomplete: Report) -> None:
    for html in (render_mail(troubled, "fr").html, render_mail(incomplete, "fr").html):
        assert '<meta name="color-scheme" content="light dark">' in html
        dark = html[html.index("@media (prefers-color-scheme: dark)") : html.index("</style>")]
        known = set(re.findall(r"\.(\w+)[ ,]", dark)) | {"pad", "lead"}
        coloured = re.findall(r"<[^>]*style=\"[^\"]*color:[^>]*>", html[html.index("<body") :])
        classes = [
            re.search(r'class="([^"]+)"', element) for element in coloured[1:]
        ]  # after what nobody sees
        for element, found in zip(coloured[1:], classes, strict=True):
            if not element.startswith("<img"):
                assert found and set(found[1].split()) <= known, f"{element} stays as it is in the dark"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_says_the_headline_to_those_who_do_not_see_it(language: str, troubled: Report) -> None:
    html = render_mail(troubled, language).html
    (picture,) = re.findall(r"<img [^>]*>", html)
    alternative = re.search(r'alt="([^"]+)"', picture)
    assert alternative and write_headline(Writer(troubled, language)) in unescape(alternative[1])
    assert 'width="552"' in picture, "Outlook would show it in full size"
    before = html[: html.index(picture)]
    assert before.count("<a ") == before.count("</a>"), "the picture is a link"


def test_names_are_escaped(catalogue: dict[str, Kpi]) -> None:
    shop = make_shop(catalogue, Story(weeks=2))
    report = compute_report(shop, catalogue, make_request(shop_name='<b onload="x">A & B</b>'))
    mail = render_mail(report, "en")
    assert "<b onload" not in mail.html
    assert '<b onload="x">A & B</b>' in mail.text


def test_it_is_the_same_each_time(troubled: Report) -> None:
    assert render_mail(troubled, "fr") == render_mail(troubled, "fr")
