"""Nothing on the page claims more than the numbers carry: no colour, no legend, no headline, no lost cent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from html import unescape
from xml.etree import ElementTree

import pytest

from ecom_pipeline.insights.bands import Band
from ecom_pipeline.insights.signals import Cause, Signal
from ecom_pipeline.reports import Report, render_html, render_mail
from ecom_pipeline.reports.charts import BAD, GOOD, Span, draw_pin
from ecom_pipeline.reports.formats import LANGUAGES, Formats
from ecom_pipeline.reports.html import make_banner
from ecom_pipeline.reports.rows import make_delta
from ecom_pipeline.reports.sentences import write_headline, write_no_decisions
from ecom_pipeline.reports.writer import Writer


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_is_known_to_be_usual_no_move_is_coloured(language: str, young: Report) -> None:
    html = render_html(young, language)
    assert "△" in html and "▽" in html
    assert not re.search(r'class="delta[^"]* (good|bad)"', html)


def test_a_segment_is_coloured_when_it_moves_more_than_the_whole_does_in_any_week(usual: Report) -> None:
    html = render_html(usual, "en")
    for section in usual.sections:
        for breakdown in section.breakdowns:
            band = usual.figures[breakdown.kpi].band
            assert band is not None
            title = f"{usual.definitions[breakdown.kpi].name.en} by {breakdown.dimension}</h3>"
            rows = html[html.index(title) :].split("</table>")[0].split("<tr class")[1:]
            for line, row in zip(breakdown.lines, rows, strict=True):
                if line.current is None or line.previous is None:
                    continue
                share = abs(line.current - line.previous) / abs(line.previous)
                is_coloured = row.split('class="number"')[2].startswith(
                    ('><span class="delta good', '><span class="delta bad')
                )
                is_judged = usual.definitions[breakdown.kpi].good != "neutral"
                assert is_coloured == (is_judged and share > band.scale / 2 / abs(band.middle))


def test_what_should_be_zero_is_the_worse_the_further_off_it_is(usual: Report) -> None:
    writer = Writer(usual, "fr")
    assert writer.tone("payout_gap", Decimal(6249), Decimal(0)) == "bad"
    assert writer.tone("payout_gap", Decimal(-6249), Decimal(10)) == "bad"
    assert writer.tone("payout_gap", Decimal(10), Decimal(-6249)) == "good"
    assert make_delta(writer, "payout_gap", Decimal(10), Decimal(0), Decimal(20)).sign == "△"


def test_a_range_that_is_one_level_is_told_as_a_level(usual: Report) -> None:
    zero = Decimal(0)
    figure = usual.figures["payout_gap"]
    off = replace(
        figure, current=replace(figure.current, value=Decimal(6249)), band=Band(zero, zero, zero, zero)
    )
    report = replace(
        usual,
        figures={**usual.figures, "payout_gap": off},
        headline=Signal("payout_gap", Cause.UNUSUAL, Decimal(9)),
    )
    assert write_headline(Writer(report, "en")).endswith("€6,249, above its usual level (€0.00)")
    assert write_headline(Writer(report, "fr")).endswith("au-dessus de son niveau habituel (0,00\u00a0€)")


def test_one_column_is_told_with_one_precision() -> None:
    formats = Formats("fr", "EUR")
    assert formats.in_unit("money", Decimal("490.70"), beside=Decimal(1090)) == "491\u00a0€"
    assert formats.in_unit("money", Decimal("490.70"), beside=Decimal(900)) == "490,70\u00a0€"
    assert formats.in_unit("percent", Decimal("0.0791"), beside=Decimal("0.39")) == "7,9\u202f%"
    assert formats.points(Decimal("0.0045"), beside=Decimal("0.05")) == "+0,5\u00a0pt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_table_of_segments_mixes_cents_and_none(
    language: str, compute_case: Callable[[str], Report]
) -> None:
    html = unescape(render_html(compute_case("trouble"), language))
    tables = re.findall(r'(?s)<table class="marks (?:wide|drivers)">.*?</table>', html)
    assert len(tables) > 5
    for table in tables:
        amounts = re.findall(r'<td class="number">(−?€?[\d.,\u202f]+(?:\u00a0€)?)</td>', table)
        money = [amount for amount in amounts if "€" in amount]
        assert len({bool(re.search(r"[.,]\d\d(?!\d)", amount)) for amount in money}) <= 1, money


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_legend_names_only_marks_that_are_there(language: str, young: Report, troubled: Report) -> None:
    words = Writer(young, language).words
    for report, is_there in ((young, False), (troubled, True)):
        html = render_html(report, language)
        for key in ("note_year", "note_target", "note_band"):
            assert (words.say(f"essentials.{key}") in html) == is_there
        assert words.say("essentials.note") in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shop_without_half_its_sources_says_of_how_much_it_speaks(
    language: str, compute_case: Callable[[str], Report]
) -> None:
    report = compute_case("half_missing")
    writer = Writer(report, language)
    headline = write_headline(writer)
    assert headline.startswith("2") and "7" in headline
    banner = make_banner(writer)
    assert banner is not None
    lacking = [key for key in report.audience.essentials if report.figures[key].current.value is None]
    assert banner["names"].startswith(", ".join(writer.name(key) for key in lacking))
    html = unescape(render_html(report, language))
    assert writer.words.say("bridge.title_contribution_margin") in html
    assert writer.words.say("bridge.title") + "<" not in html
    assert writer.words.say("channels.note") not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_says_that_nothing_needs_deciding(
    language: str, compute_case: Callable[[str], Report], troubled: Report
) -> None:
    report = compute_case("half_missing")
    told, mail = write_no_decisions(Writer(report, language)), render_mail(report, language)
    assert told in mail.text and told in unescape(mail.html)
    assert write_no_decisions(Writer(troubled, language)) not in render_mail(troubled, language).text


def test_the_mail_tells_good_from_bad_without_colours(troubled: Report) -> None:
    html = render_mail(troubled, "en").html
    bad = re.findall(r'<span class="bad" style="([^"]*)">([^<]*)', html)
    assert bad and all("font-weight:bold" in style for style, _ in bad)
    assert all("text-decoration:underline" in style or text[0] in "▲▼" for style, text in bad)
    plain = re.findall(r'<span class="muted" style="[^"]*nowrap[^"]*">([^<]*)', html)
    assert plain and all(text[0] in "△▽0€" for text in plain)


def test_a_pin_that_is_cut_ends_in_an_arrow() -> None:
    span = Span.of([-3, 3])
    for deviation, tone in ((3, GOOD), (-3, BAD)):
        whole, cut = (
            ElementTree.fromstring(draw_pin(deviation, "ROI", span, tone=tone, is_cut=is_cut))
            for is_cut in (False, True)
        )
        circle = "{http://www.w3.org/2000/svg}circle"
        assert whole.find(circle) is not None and cut.find(circle) is None
