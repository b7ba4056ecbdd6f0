"""The cockpit in Debian's Chromium, as its readers use it: by pointer, by keyboard, on a telephone, in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pytest

from ecom_pipeline.cockpit import compute_cockpit, render_cockpit
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.kpis.values import State
from ecom_pipeline.periods import Rhythm
from ecom_pipeline.reports import compute_report
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline.reports.rows import make_kpi_row
from ecom_pipeline.reports.writer import Writer
from ecom_pipeline_tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from ecom_pipeline_tests.cockpit.shops import HOSTILE, add_cohorts, make_cockpit, make_cockpit_request
from ecom_pipeline_tests.reports.catalogue import make_catalogue
from ecom_pipeline_tests.reports.shop import SUNDAY, Story, make_request, make_shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

pytestmark = pytest.mark.browser
StartPlaywright: TypeAlias = "Callable[[], AbstractContextManager[Playwright]]"
WIDE = {"width": 1440, "height": 1000}
NARROW = {"width": 320, "height": 700}
PAGE_MILLISECONDS = 30_000


@dataclass
class Shown:
    """A cockpit open in the browser, and what went wrong meanwhile."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text().strip()

    def row(self, key: str) -> list[str]:
        """A KPI's cells in the table: name with notes, trend, value, compared, mark, change, reference."""
        cells = self.page.locator(f"#row_{key}").locator("xpath=ancestor::tr[1]").locator("th, td")
        return [re.sub(r"\s*\n\s*", " | ", text.strip()) for text in cells.all_inner_texts()]

    def rows(self) -> dict[str, dict[str, str]]:
        """Texts and classes of every row of the table."""
        found: dict[str, dict[str, str]] = self.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("#table button.kpi")].map((button) => {
                const row = button.closest("tr");
                const [value, change, reference] = [".value", ".delta", ".reference"].map((one) => row.querySelector(one));
                return [button.id.slice(4), {
                    value: value.innerText, value_class: value.className, change: change.textContent,
                    change_class: change.className, reference: reference.innerText,
                }];
            }))"""
        )
        return found

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f'input[name="{name}"][value="{value}"]').check()


@dataclass(frozen=True)
class Shop:
    """A troubled shop, and the last days of its newest week and month."""

    kpis: dict[str, Kpi]
    connection: duckdb.DuckDBPyConnection
    last_days: dict[Rhythm, date]


@pytest.fixture(scope="module")
def shop() -> Shop:
    kpis = make_catalogue()
    return Shop(kpis, make_troubled(kpis), {Rhythm.WEEKLY: SUNDAY, Rhythm.MONTHLY: date(SUNDAY.year, 10, 31)})


@pytest.fixture(scope="module")
def files(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The shop's cockpit in both languages."""
    cockpit = compute_cockpit(shop.connection, shop.kpis, make_cockpit_request(shop.kpis))
    folder = tmp_path_factory.mktemp("cockpit")
    return {
        language: write(folder / f"{language}.html", render_cockpit(cockpit, language))
        for language in LANGUAGES
    }


def make_troubled(kpis: dict[str, Kpi]) -> duckdb.DuckDBPyConnection:
    connection = make_shop(kpis, Story(mobile_breaks=True, campaign_burns=True, fixed_costs=2600))
    add_cohorts(connection)
    return connection


def write(file: Path, page: str) -> Path:
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(sync_playwright: StartPlaywright) -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


Open: TypeAlias = "Callable[..., Shown]"


@pytest.fixture
def show(browser: Browser) -> Iterator[Open]:
    """Opens a file as its reader does, from the disk; every page must stay without a complaint or a request."""
    opened: list[Shown] = []

    def open_file(file: Path, **options: Any) -> Shown:
        context = browser.new_context(**{"viewport": WIDE, **options})
        shown = Shown(context.new_page())
        opened.append(shown)
        shown.page.set_default_timeout(PAGE_MILLISECONDS)
        shown.page.on("console", lambda message: shown.complaints.append(message.text))
        shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        shown.page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            shown.page.wait_for_selector("html.scripted")
        return shown

    yield open_file
    for shown in opened:
        assert not shown.complaints
        assert [url for url in shown.requests if not url.startswith("data:")] == shown.requests[:1]
        assert shown.requests[0].startswith("file:")
        shown.page.context.close()


def clean(text: str) -> str:
    """Without what only screen readers hear."""
    return re.sub(r" \((favourable|unfavourable|favorable|défavorable)\)$", "", text)


@pytest.mark.parametrize(
    ("language", "rhythm"), [("fr", Rhythm.WEEKLY), ("en", Rhythm.WEEKLY), ("fr", Rhythm.MONTHLY)]
)
def test_what_is_shown_is_what_the_report_prints(
    show: Open, files: dict[str, Path], shop: Shop, language: str, rhythm: Rhythm
) -> None:
    """Every KPI's value, changes, target and colours: the PDF's very texts."""
    shown = show(files[language], viewport={"width": 1920, "height": 1000})
    report = compute_report(shop.connection, shop.kpis, make_request(shop.last_days[rhythm], rhythm))
    writer = Writer(report, language)
    rows = {key: make_kpi_row(writer, figure) for key, figure in report.figures.items()}
    shown.choose("grain", "1" if rhythm is Rhythm.WEEKLY else "3")
    for versus in ("previous", "year"):
        shown.choose("versus", versus)
        found = shown.rows()
        assert set(found) == {key for key, row in rows.items() if key not in report.quality.not_connected}
        for key, told in found.items():
            row = rows[key]
            delta = row.previous if versus == "previous" else row.previous_year
            assert told["value"] == row.value, key
            assert clean(told["change"]) == delta.sign + delta.text, (key, versus)
            assert told["reference"] == row.target, key
            assert delta.tone in told["change_class"].split(), (key, versus)
            assert (row.tone if row.is_known else "absent") in told["value_class"].split(), key
    assert sum(figure.current.state is State.OK for figure in report.figures.values()) > 30
    assert {row.previous_year.tone for row in rows.values()} >= {"good", "bad", "plain"}


class TestChoices:
    def test_kpi_period_comparison_and_segment(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"])
        shown.page.click("#row_net_sales")
        assert shown.text("#detail_name") == "Chiffre d’affaires net"
        this_week = shown.text("#detail .big .value")
        before = shown.row("net_sales")[3]
        shown.page.click("button[aria-label='Période plus ancienne']")
        assert shown.text("#detail .big .value") == before != this_week
        shown.choose("grain", "3")
        assert shown.page.locator("#period option:checked").inner_text() == "octobre 2026"
        shown.choose("grain", "1")
        shown.choose("versus", "year")
        assert shown.page.locator("#table thead .compared").inner_text() == "Un an avant"
        shown.choose("versus", "target")
        assert re.sub(r"\s", " ", shown.row("net_sales")[3]) == "60 000 €"
        shown.page.select_option("#cut", "channel")
        whole = this_week
        assert shown.page.locator("#segment").is_visible()
        assert shown.row("net_sales")[2] != whole
        assert shown.page.locator('input[name="versus"][value="target"]').is_disabled()
        assert "pas découpé par canal" in shown.row("cash_balance")[0]
        assert shown.page.locator("#period option:not([disabled])").count() == 9

    def test_segments_add_up_to_the_change(self, show: Open, files: dict[str, Path]) -> None:
        """What the page's own split says of the troubled KPI is what the shop's story is."""
        shown = show(files["fr"])
        shown.page.click("#row_conversion_rate")
        rows = shown.page.locator("#detail .segment_table tbody tr").all_inner_texts()
        assert rows[0].startswith("Mobile")
        effects = shown.page.locator("#detail .segment_table tbody td.number:last-child").evaluate_all(
            "cells => cells.map(cell => Number(cell.dataset.raw))"
        )
        assert sum(effects[:-1]) == pytest.approx(effects[-1], abs=1e-6)
        assert effects[-1] < 0
        shown.page.click("#by_channel")
        assert shown.page.locator("#by_channel").get_attribute("aria-pressed") == "true"
        assert shown.page.evaluate("document.activeElement.id") == "by_channel"

    def test_a_point_of_the_history_chooses_its_period(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.click("#row_net_sales")
        shown.page.locator("#detail .hit").nth(-4).click()
        assert shown.page.locator("#period").input_value() == "3"

    def test_search_finds_with_and_without_accents(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"])
        shown.page.fill("#search", "tresor")
        assert shown.page.locator("#table button.kpi").count() >= 1
        assert "trésor" in shown.text("#table").lower()
        shown.page.fill("#search", "zzz")
        assert "zzz" in shown.text("#table")

    def test_the_address_keeps_the_view(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.click("#row_orders")
        shown.choose("grain", "0")
        shown.choose("versus", "year")
        shown.page.select_option("#cut", "device")
        shown.page.reload()
        shown.page.wait_for_selector("html.scripted")
        assert shown.text("#detail_name") == "Orders"
        assert shown.page.locator('input[name="grain"][value="0"]').is_checked()
        assert shown.page.locator('input[name="versus"][value="year"]').is_checked()
        assert shown.page.locator("#cut").input_value() == "device"
        del shown.requests[1:]  # the reload

    def test_an_old_or_broken_address_opens_all_the_same(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.goto(
            files["en"].as_uri() + "#kpi=none&grain=decade&place=999&versus=x&dimension=y&segment=%3Cb%3E"
        )
        shown.page.reload()
        shown.page.wait_for_selector("html.scripted")
        assert shown.page.locator("#table button.kpi").count() > 30
        del shown.requests[1:]


class TestKeyboard:
    def test_one_stop_for_the_table_and_arrows_within(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.focus("#copy_indicators")
        shown.page.keyboard.press("Tab")
        first = shown.page.evaluate("document.activeElement.id")
        assert first.startswith("row_")
        shown.page.keyboard.press("ArrowDown")
        second = shown.page.evaluate("document.activeElement.id")
        assert second.startswith("row_")
        assert second != first
        shown.page.keyboard.press("Enter")
        assert shown.page.evaluate("document.activeElement.id") == second
        assert shown.text("#detail_name") == shown.text(f"#{second}")
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("document.activeElement.id") == "define"

    def test_the_first_stop_skips_to_the_indicators(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("document.activeElement.className") == "skip"
        shown.page.keyboard.press("Enter")
        assert shown.page.evaluate("document.activeElement.id") == "indicators"

    def test_periods_by_arrow_keys(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.page.focus('input[name="grain"][value="1"]')
        shown.page.keyboard.press("ArrowRight")
        assert shown.page.locator('input[name="grain"][value="2"]').is_checked()
        assert "4 weeks" in shown.page.locator("#table thead .compared").inner_text()

    def test_the_drawer_opens_holds_focus_and_closes(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"])
        shown.page.focus("#define")
        shown.page.keyboard.press("Enter")
        drawer = shown.page.locator("#drawer")
        assert drawer.is_visible()
        assert shown.page.evaluate("document.activeElement.textContent") == "Fermer"
        assert "conversion_rate" in drawer.inner_text()
        for _ in range(3):
            shown.page.keyboard.press("Tab")
            assert shown.page.evaluate("!document.activeElement.closest('main')")
        shown.page.keyboard.press("Escape")
        assert not drawer.is_visible()
        assert shown.page.evaluate("document.activeElement.id") == "define"

    def test_changes_are_said(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"])
        shown.choose("versus", "year")
        said = shown.page.locator("#live").text_content() or ""
        assert "A year before" in said
        assert re.search(r"\d+ indicators", said)


class TestCopy:
    def test_the_table_as_it_is_looked_at(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"], permissions=["clipboard-read", "clipboard-write"])
        shown.page.click("#copy_indicators")
        shown.page.wait_for_selector("#live.shown")
        lines = shown.page.evaluate("navigator.clipboard.readText()").strip().split("\r\n")
        head = lines[0].split(";")
        rows = {row.split(";")[2]: row.split(";") for row in lines[1:]}
        assert len(rows) == shown.page.locator("#table button.kpi").count()
        sales = dict(zip(head, rows["net_sales"], strict=True))
        text = shown.row("net_sales")[2]
        assert re.fullmatch(r"\d+(,\d+)?", sales["Valeur"])
        assert round(float(sales["Valeur"].replace(",", "."))) == int(re.sub(r"\D", "", text))
        assert (sales["Premier jour"], sales["Dernier jour"]) == ("2026-11-16", "2026-11-22")
        rate = dict(zip(head, rows["conversion_rate"], strict=True))
        top, base = (float(rate[name].replace(",", ".")) for name in ("Numérateur", "Dénominateur"))
        assert float(rate["Valeur"].replace(",", ".")) == pytest.approx(top / base, abs=1e-8)

    def test_english_has_commas_and_points(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["en"], permissions=["clipboard-read", "clipboard-write"])
        shown.page.click("#copy_cohorts_retention")
        shown.page.wait_for_selector("#live.shown")
        lines = shown.page.evaluate("navigator.clipboard.readText()").strip().split("\r\n")
        assert lines[0].startswith("First purchase,Customers,M+0")
        assert lines[1].startswith("Oct 2025,1000,1,0.143")

    def test_where_copying_is_refused_the_text_is_selected(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"])
        shown.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        shown.page.click("#copy_indicators")
        area = shown.page.locator("#drawer textarea")
        assert area.input_value().startswith("Famille;Indicateur;Clé")
        assert shown.page.evaluate("getSelection().toString().length") > 1000


class TestPlaces:
    """From a telephone to a wall, by day, at night, on paper."""

    @pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 1920])
    def test_no_page_scrolls_sideways(self, show: Open, files: dict[str, Path], width: int) -> None:
        shown = show(files["fr"], viewport={"width": width, "height": 800})
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        shown.page.select_option("#cut", "product")
        shown.page.click("#row_net_sales")
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width

    def test_on_a_telephone_the_choice_leads_to_the_detail_and_back(
        self, show: Open, files: dict[str, Path]
    ) -> None:
        shown = show(files["fr"], viewport=NARROW)
        shown.page.click("#row_orders")
        assert shown.page.evaluate("document.activeElement.id") == "detail_name"
        shown.page.click("#detail .back")
        assert shown.page.evaluate("document.activeElement.id") == "row_orders"

    def test_dark_is_dark(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"], color_scheme="dark")
        colour = shown.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", colour)) < 40

    def test_high_contrast_tells_by_shape_what_it_cannot_by_colour(
        self, show: Open, files: dict[str, Path]
    ) -> None:
        shown = show(files["fr"], forced_colors="active")
        shown.page.click("#row_conversion_rate")
        page = shown.page
        styles: dict[str, dict[str, str]] = page.evaluate(
            """() => Object.fromEntries([".band", ".light", ".line.faint", ".line.strong", ".ink"].map((one) => {
                const { fill, stroke, strokeDasharray } = getComputedStyle(document.querySelector(`svg ${one}`));
                return [one, { fill, stroke, dashes: strokeDasharray }];
            }))"""
        )
        assert styles[".ink"]["fill"] != styles[".light"]["fill"] == styles[".band"]["fill"]
        assert styles[".band"]["stroke"] != "none", "a frame, since it has the ground's colour"
        assert styles[".line.faint"]["dashes"] != styles[".line.strong"]["dashes"] == "none"
        for tone, looks in {"good": ("400", "▲▼"), "bad": ("600", "▲▼"), "plain": ("400", "△▽")}.items():
            deltas = page.locator(f"#table .delta.{tone}:has(.arrow)")
            weight = deltas.first.evaluate("one => getComputedStyle(one).fontWeight")
            assert (weight, deltas.first.inner_text()[0] in looks[1]) == (looks[0], True)

    def test_without_scripts_the_essentials_are_there(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"], java_script_enabled=False)
        table = shown.page.locator(".fallback table")
        assert table.is_visible()
        assert table.locator("tbody tr").count() == 7
        assert shown.page.locator("noscript").count() == 1
        assert not shown.page.locator("#indicators").is_visible()

    def test_printed_without_controls(self, show: Open, files: dict[str, Path]) -> None:
        shown = show(files["fr"])
        shown.page.emulate_media(media="print")
        assert not shown.page.locator("#copy_indicators").is_visible()
        assert not shown.page.locator(".masthead nav").is_visible()
        assert shown.page.locator("#table").is_visible()


def test_hostile_names_are_names(show: Open, tmp_path: Path) -> None:
    cockpit = make_cockpit(make_catalogue(), Story(segment_names=HOSTILE), shop_name="".join(HOSTILE[:2]))
    shown = show(write(tmp_path / "hostile.html", render_cockpit(cockpit, "fr")))
    title = shown.page.title()
    shown.page.select_option("#cut", "channel")
    shown.page.click("#row_net_sales")
    shown.page.click("#by_channel")
    text = shown.text("#detail")
    assert all(name in text for name in HOSTILE)
    assert shown.page.locator("main img").count() == 0
    assert shown.page.title() == title
    assert HOSTILE[0] in shown.text("h1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_serious(show: Open, files: dict[str, Path], language: str, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python: pip install '.[dev]'"
    ).Axe()
    shown = show(files[language], color_scheme=scheme)
    states: list[Callable[[], None]] = [
        lambda: None,
        lambda: shown.page.click("#define"),
        lambda: _narrow(shown),
    ]
    for reach in states:
        reach()
        # Its own script is no part of the page; the page's policy would refuse it as an element.
        found = axe.run(shown.page).response
        bad = [
            f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        assert not bad
        assert len(found["passes"]) > 12  # it looked


def _narrow(shown: Shown) -> None:
    shown.page.keyboard.press("Escape")
    shown.page.set_viewport_size({"width": 390, "height": 844})
    shown.page.select_option("#cut", "channel")
    shown.page.locator("#detail summary").click()
