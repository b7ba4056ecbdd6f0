"""The page says in words what the tables hold, in both languages, and nothing can get into it from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser

import duckdb
import pytest

from ecom_pipeline.insights.bands import CLOSE, FAR, compute_band
from ecom_pipeline.insights.signals import STEERING
from ecom_pipeline.kpis.definition import Kind, Kpi, kpis
from ecom_pipeline.reports import Report, compute_report, render_html, render_mail
from ecom_pipeline.reports.formats import LANGUAGES, Formats
from ecom_pipeline.reports.words import load_words
from ecom_pipeline_tests.reports.shop import ESSENTIALS, SUNDAY, Story, make_request, make_shop


class _Prose(HTMLParser):
    """Collects the text of elements whose class is prose."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth:
            self.depth += tag not in ("br", "meta")
        elif "prose" in (dict(attrs).get("class") or "").split():
            self.depth = 1
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.depth = max(self.depth - 1, 0)

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.texts[-1] += data


def read_prose(html: str) -> list[str]:
    parser = _Prose()
    parser.feed(html)
    return [" ".join(text.split(" ")).strip() for text in parser.texts]


def _week(
    shop: duckdb.DuckDBPyConnection, kpi: Kpi, weeks_back: int, segment: tuple[str, str]
) -> tuple[Decimal, Decimal | None]:
    last = SUNDAY - timedelta(days=7 * weeks_back)
    first = last - timedelta(days=6) if kpi.kind in (Kind.FLOW, Kind.RATIO) else last
    row = shop.execute(
        "SELECT SUM(numerator), SUM(denominator) FROM kpi.daily "
        "WHERE kpi = ? AND day BETWEEN ? AND ? AND (dimension, segment) = (?, ?)",
        [kpi.key, first, last, *segment],
    ).fetchone()
    assert row is not None
    return row[0] or Decimal(0), row[1]


def _value(shop: duckdb.DuckDBPyConnection, kpi: Kpi, weeks_back: int) -> Decimal | None:
    numerator, denominator = _week(shop, kpi, weeks_back, ("total", ""))
    if denominator is None:
        return numerator if kpi.kind in (Kind.FLOW, Kind.SNAPSHOT) else None
    return numerator / denominator if denominator else None


def _expected_numbers(
    shop: duckdb.DuckDBPyConnection, kpis: dict[str, Kpi], formats: Formats
) -> Iterator[str]:
    """Every number the prose may hold, from the tables alone and by this test's own arithmetic."""
    for kpi in kpis.values():
        lag = 5 if kpi.matures_after == 30 else 0
        now, before, year = (_value(shop, kpi, lag + back) for back in (0, 1, 52))
        if now is None or before is None or year is None:
            continue
        yield from (formats.value(kpi, number) for number in (now, before))
        yield formats.change(kpi, now, before)
        yield formats.change(kpi, now, year)
        yield formats.difference(kpi, now - before)
        weeks = [_value(shop, kpi, lag + back) for back in range(60 - lag, 0, -1)]
        width = CLOSE if kpi.key in (*STEERING, *ESSENTIALS) else FAR
        band = compute_band(weeks[-59 + lag :], kpi.minimum, kpi.maximum, width)
        assert band is not None
        yield from (formats.value(kpi, edge) for edge in (band.low, band.high))
        yield from _effects(shop, kpi, lag, formats)


def _effects(shop: duckdb.DuckDBPyConnection, kpi: Kpi, lag: int, formats: Formats) -> Iterator[str]:
    rows = shop.execute(
        "SELECT DISTINCT dimension, segment FROM kpi.daily WHERE kpi = ?", [kpi.key]
    ).fetchall()
    (n1, d1), (n0, d0) = (_week(shop, kpi, lag + back, ("total", "")) for back in (0, 1))
    for segment in rows:
        (s1, w1), (s0, w0) = (_week(shop, kpi, lag + back, segment) for back in (0, 1))
        if not (d1 and d0 and w1 and w0):
            yield formats.difference(kpi, s1 - s0)
            continue
        rate = (w1 / d1 + w0 / d0) / 2 * (s1 / w1 - s0 / w0)
        mix = (w1 / d1 - w0 / d0) * ((s1 / w1 + s0 / w0) / 2 - (n1 / d1 + n0 / d0) / 2)
        yield from (formats.difference(kpi, part) for part in (rate + mix, rate, mix))


def _month_of_sales(shop: duckdb.DuckDBPyConnection, kpi: Kpi, formats: Formats) -> Iterator[str]:
    """November so far, of 60,000 a week, and its last eight days as four weeks were on the same weekdays."""
    row = shop.execute(
        "SELECT SUM(numerator) FILTER (day >= DATE '2026-11-01'), "
        "SUM(numerator) FILTER (day > DATE '2026-10-25'), "
        "SUM(numerator) FILTER (day > DATE '2026-10-25' AND DAYOFWEEK(day) = 1) "
        "FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'total' AND day <= DATE '2026-11-22'"
    ).fetchone()
    assert row is not None
    actual, four_weeks, mondays = row
    forecast, share = actual + (four_weeks + mondays) / 4, Decimal(60_000) / 7
    yield from (formats.value(kpi, amount) for amount in (actual, forecast, share * 30))
    yield from (formats.percent(one) for one in (actual / (share * 22), forecast / (share * 30)))


def _worths(shop: duckdb.DuckDBPyConnection, kpis: dict[str, Kpi], formats: Formats) -> Iterator[str]:
    """What the two broken KPIs cost: new customers too dear, and orders that did not come."""
    margin = _value(shop, kpis["contribution_margin_per_order"], 0)
    assert margin is not None
    for key, each in (("customer_acquisition_cost", Decimal(1)), ("conversion_rate", margin)):
        now, number = _value(shop, kpis[key], 0), _week(shop, kpis[key], 0, ("total", ""))[1]
        band = compute_band([_value(shop, kpis[key], back) for back in range(59, 0, -1)], Decimal(0))
        assert now is not None and number is not None and band is not None
        yield formats.money(abs(now - band.middle) * number * each, digits=0)


def _unexplained(text: str, numbers: set[str]) -> str:
    for number in sorted(numbers, key=len, reverse=True):
        text = re.sub(rf"(?<![\d.,]){re.escape(number)}(?![\d%])", "", text)
    return text


# Numbers that are no KPI values: limits, targets, counts of days and sources, the date of the calculation.
_OTHERS = {"fr": ["60\u202f000\u00a0€", "2,6\u202f%", "97,0\u202f%", "5 sources sur 5", "version 1", "23 novembre 2026 à 05:30"],
           "en": ["€60,000", "2.6%", "97.0%", "5 of 5 sources", "version 1", "23 November 2026, 05:30"]}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_in_the_prose_is_a_number_of_the_warehouse(
    language: str, troubled: Report, troubled_shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi]
) -> None:
    prose = read_prose(render_html(troubled, language))
    assert len(prose) >= 7
    formats = Formats(language, "EUR")
    numbers = {
        *_expected_numbers(troubled_shop, catalogue, formats),
        *_month_of_sales(troubled_shop, catalogue["net_sales"], formats),
        *_worths(troubled_shop, catalogue, formats),
        *_OTHERS[language],
    }
    left = [_unexplained(text, numbers) for text in prose]
    assert [text for text in left if re.search(r"\d", text)] == []


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr", "Chiffre d’affaires net\u00a0: {now}, soit {week} sur une semaine et {year} sur un an."),
        ("en", "Net sales: {now}, {week} on the week before and {year} on the year before."),
    ],
)
def test_net_sales_are_compared_with_the_week_and_the_year_before(
    language: str,
    sentence: str,
    troubled: Report,
    troubled_shop: duckdb.DuckDBPyConnection,
    catalogue: dict[str, Kpi],
) -> None:
    kpi, formats = catalogue["net_sales"], Formats(language, "EUR")
    now, week, year = (_value(troubled_shop, kpi, back) or Decimal(0) for back in (0, 1, 52))
    assert formats.change(kpi, now, week) != formats.change(kpi, now, year)
    told = sentence.format(
        now=formats.value(kpi, now), week=formats.change(kpi, now, week), year=formats.change(kpi, now, year)
    )
    lede = read_prose(render_html(troubled, language))[1]
    assert told in lede
    assert not lede.startswith(told), "what drove the headline stands next to it"


@pytest.mark.parametrize(
    ("language", "name", "end"),
    [
        (
            "fr",
            "Chiffre d’affaires net\u00a0: ",
            "\u00a0; une semaine habituelle.",
        ),
        ("en", "Net sales: ", "; a usual week."),
    ],
)
def test_a_usual_week_is_told_calmly_with_net_sales_first(
    language: str, name: str, end: str, usual: Report
) -> None:
    headline, lede, *_ = read_prose(render_html(usual, language))
    sales = Formats(language, "EUR").value(
        usual.definitions["net_sales"], usual.figures["net_sales"].current.value or Decimal(0)
    )
    assert headline.startswith(name + sales) and headline.endswith(end)
    assert load_words(language).say("headline.calm_note") in lede and sales not in lede


@pytest.mark.parametrize(
    ("language", "headline"),
    [("fr", "Pas encore de données pour cette semaine."), ("en", "No data yet for this week.")],
)
def test_a_week_before_the_history_has_no_data_yet_and_no_alarm(
    language: str, headline: str, catalogue: dict[str, Kpi]
) -> None:
    shop = make_shop(catalogue, Story(weeks=2))
    before = make_request(SUNDAY - timedelta(days=7 * 30))
    report = compute_report(shop, catalogue, before)
    html, mail = render_html(report, language), render_mail(report, language)
    assert read_prose(html)[0] == headline and 'class="lede' not in html
    assert mail.subject.startswith(headline.removesuffix("."))
    for text in (html[html.index("<body") :], mail.subject, mail.text, mail.html):
        assert "ncompl" not in text and "NCOMPL" not in text


@pytest.mark.parametrize(
    ("language", "label", "note"),
    [
        ("fr", "Coût commun, sans canal", "clients venus sans marketing payant"),
        ("en", "Shared cost, no channel", "customers won without paid marketing"),
    ],
)
def test_a_shared_cost_has_a_cost_and_no_return(
    language: str, label: str, note: str, catalogue: dict[str, Kpi]
) -> None:
    names = (*(f"Canal {number}" for number in range(6)), "Unassigned")
    shop = make_shop(catalogue, Story(weeks=2, segment_names=names, all_paid=True))
    html = unescape(render_html(compute_report(shop, catalogue, make_request()), language))
    page = html[html.index('class="page-one"') : html.index('class="family')]
    row = page[page.index(f">{label}</th>") :].split("</tr>")[0]
    cells = [re.sub("<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
    assert re.search(r"\d", cells[1]) and cells[2:] == ["–", "–", "–", "", "–"]
    assert note in page


def test_a_wrong_number_in_the_prose_would_be_found(
    troubled: Report, troubled_shop: duckdb.DuckDBPyConnection, catalogue: dict[str, Kpi]
) -> None:
    lede = read_prose(render_html(troubled, "en"))[1]
    formats = Formats("en", "EUR")
    numbers = {
        *_expected_numbers(troubled_shop, catalogue, formats),
        *_month_of_sales(troubled_shop, catalogue["net_sales"], formats),
        *_OTHERS["en"],
    }
    assert not re.search(r"\d", _unexplained(lede, numbers))
    wrong = re.sub(r"€(\d)", lambda match: f"€{(int(match[1]) + 1) % 10}", lede, count=1)
    assert re.search(r"\d", _unexplained(wrong, numbers))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["usual", "troubled", "incomplete", "young"])
def test_every_shop_renders_in_both_languages(
    name: str, language: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    html = render_html(report, language)
    assert f'<html lang="{language}">' in html
    assert all(
        report.definitions[key].name.in_language(language).replace("'", "’") in unescape(html)
        for key in report.figures
    )
    assert "None" not in re.sub(r"data:[^)]*", "", html).replace('fill="none"', "")


def test_one_set_of_numbers_feeds_both_languages(troubled: Report) -> None:
    french, english = (
        re.findall(r"<(?:rect|path|circle)[^>]*>", render_html(troubled, one)) for one in LANGUAGES
    )
    assert french == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_banner_stands_at_the_top_when_data_is_missing_and_only_then(
    language: str, usual: Report, young: Report, incomplete: Report
) -> None:
    html = render_html(incomplete, language)
    assert html.index('class="banner"') < html.index("<h1")
    banner = unescape(html[html.index('class="banner"') : html.index("<h1")])
    assert "Mesure d'audience (GA4)" in banner
    assert ("19" in banner and "20" in banner) and incomplete.definitions["sessions"].name.in_language(
        language
    ) in banner
    for whole in (usual, young):
        assert 'class="banner"' not in render_html(whole, language)


def test_what_is_missing_is_not_available_and_not_zero(incomplete: Report) -> None:
    html = render_html(incomplete, "en")
    row = html[
        html.index("Website traffic</th>" if "Website traffic</th>" in html else "Website traffic<span") :
    ][:900]
    assert "data missing" in row and "n/a" in row


def test_names_from_outside_cannot_become_markup(catalogue: dict[str, Kpi]) -> None:
    evil = '<script>alert(1)</script><img src="file:///etc/passwd">&{{7*7}}'
    shop = make_shop(catalogue, Story(weeks=3, segment_names=(evil,) * 1 + tuple("abcdef")))
    shop.execute("UPDATE ops.sources SET title = ?", [evil])
    report = compute_report(shop, catalogue, make_request(shop_name=evil))
    html = render_html(report, "fr")
    assert "<script" not in html and "<img" not in html and "{{7*7}}" in html
    assert html.count("&lt;script&gt;") >= 4


def test_the_page_is_self_contained_and_has_table_headers(troubled: Report) -> None:
    html = render_html(troubled, "fr")
    assert re.findall(r"(?:src|href)=", html) == []
    assert set(re.findall(r"url\((.{5})", html)) == {"data:"}
    assert "<th>" not in html and html.count('scope="col"') > 30 and html.count('scope="row"') > 50


def test_good_and_bad_have_their_colour_whatever_the_direction(troubled: Report) -> None:
    html = render_html(troubled, "en")
    cac = html[html.index("Customer acquisition cost</th>") :][:6000].split("</tr>")[0]
    assert re.search(r'class="delta bad"><span class="arrow">▲</span>\+\d', cac)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_products_own_kpis_fill_the_report(language: str) -> None:
    own = kpis()
    report = compute_report(make_shop(own, Story(weeks=11, mobile_breaks=True)), own, make_request(kpis=own))
    html = unescape(render_html(report, language))
    assert [
        kpi.key for kpi in own.values() if kpi.name.in_language(language).replace("'", "’") not in html
    ] == []
    assert report.headline is not None and report.headline.kpi == "conversion_rate"
    assert report.bridge and report.channels and report.decisions
