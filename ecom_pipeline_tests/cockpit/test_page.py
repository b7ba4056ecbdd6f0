"""A cockpit's file: small, the same each time, closed to everything outside, and whole in both languages."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import tomllib
import zlib
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from ecom_pipeline.cockpit import LARGEST, Cockpit, compute_cockpit, render_cockpit
from ecom_pipeline.cockpit import render as rendering
from ecom_pipeline.cockpit.page import SCRIPTS
from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline_tests.cockpit.shops import (
    HOSTILE,
    add_cohorts,
    add_products,
    make_cockpit,
    make_cockpit_request,
)
from ecom_pipeline_tests.reports.shop import Story, make_shop


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag in ("style", "script"):
            self.inside.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self._open in ("style", "script") and self.inside:
            tag, text = self.inside[-1]
            self.inside[-1] = (tag, text + data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return data


@pytest.fixture(scope="module")
def pages(troubled: Cockpit) -> dict[str, str]:
    return {language: render_cockpit(troubled, language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def everything(product: dict[str, Kpi]) -> Cockpit:
    """All of the product's KPIs over two years and a half, a shop of 1,500 products."""
    connection = make_shop(product, Story(weeks=130, size=3.7))
    add_cohorts(connection)
    add_products(connection, 1500)
    return compute_cockpit(connection, product, make_cockpit_request(product))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_large_shop_stays_under_the_limit(everything: Cockpit, language: str) -> None:
    page = render_cockpit(everything, language)
    assert len(page.encode()) < LARGEST
    data = data_of(page)
    assert len(data["kpis"]) == len(everything.kpis) - len(everything.not_connected)
    assert all(grain["cut"] >= 1 for grain in data["grains"])


def test_what_is_too_large_loses_the_oldest_segments_first(
    troubled: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = render_cockpit(troubled, "fr")
    monkeypatch.setattr(rendering, "LARGEST", len(whole.encode()) - 1)
    smaller = render_cockpit(troubled, "fr")
    assert len(smaller.encode()) < len(whole.encode())
    weeks = [
        next(grain["cut"] for grain in data_of(page)["grains"] if grain["key"] == "week")
        for page in (whole, smaller)
    ]
    assert weeks[0] > weeks[1] >= 1
    total = data_of(whole)["kpis"]["net_sales"]["series"]["week"]["total"]
    assert data_of(smaller)["kpis"]["net_sales"]["series"]["week"]["total"] == total


def test_two_renders_are_the_same_bytes(troubled: Cockpit, pages: dict[str, str]) -> None:
    assert all(render_cockpit(troubled, language) == page for language, page in pages.items())


def test_a_language_nobody_writes_is_refused(troubled: Cockpit) -> None:
    with pytest.raises(DefinitionError, match="language 'de'"):
        render_cockpit(troubled, "de")


class TestPolicy:
    def test_only_this_very_style_and_script_may_run(self, pages: dict[str, str]) -> None:
        for text in pages.values():
            page = Page(text)
            policies = [
                attributes["content"]
                for tag, attributes in page.elements
                if attributes.get("http-equiv") == "Content-Security-Policy"
            ]
            assert len(policies) == 1
            policy = dict(part.split(" ", 1) for part in str(policies[0]).split("; "))
            for kind in ("style", "script"):
                last = [inside for tag, inside in page.inside if tag == kind][-1]
                digest = base64.b64encode(hashlib.sha256(last.encode()).digest()).decode()
                assert policy.pop(f"{kind}-src") == f"'sha256-{digest}'"
            assert policy == {
                "default-src": "'none'",
                "font-src": "data:",
                "img-src": "data:",
                "base-uri": "'none'",
                "form-action": "'none'",
                "require-trusted-types-for": "'script'",
                "trusted-types": "'none'",
            }

    def test_nothing_in_it_needs_what_the_policy_refuses(self, pages: dict[str, str]) -> None:
        for text in pages.values():
            for tag, attributes in Page(text).elements:
                assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
                assert "src" not in attributes, tag
                assert str(attributes.get("href", "#")).startswith("#"), tag
            assert "url(" not in text.replace("url(data:font/woff2;base64,", "")

    def test_names_are_text_wherever_they_come_from(self, catalogue: dict[str, Kpi]) -> None:
        cockpit = make_cockpit(catalogue, Story(segment_names=HOSTILE), shop_name=f"{HOSTILE[0]}{HOSTILE[1]}")
        for language in LANGUAGES:
            text = render_cockpit(cockpit, language)
            page = Page(text)
            assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object", "link")]
            assert sum(tag == "script" for tag, _ in page.elements) == 2
            labels = {cut[2] for cut in data_of(text)["cuts"]}
            assert set(HOSTILE) <= labels


@pytest.fixture(scope="module")
def catalogues() -> dict[str, dict[str, dict[str, str]]]:
    folder = files("ecom_pipeline.cockpit") / "locales"
    return {
        language: tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }


class TestWords:
    def test_both_languages_say_the_same(self, catalogues: dict[str, dict[str, dict[str, str]]]) -> None:
        french, english = (
            {
                (section, key): places(text)
                for section, texts in catalogue.items()
                for key, text in texts.items()
            }
            for catalogue in (catalogues["fr"], catalogues["en"])
        )
        assert french == english

    def test_every_label_of_the_scripts_is_there_and_used(
        self, catalogues: dict[str, dict[str, dict[str, str]]]
    ) -> None:
        folder = files("ecom_pipeline.cockpit")
        scripts = "".join((folder / "static" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
        asked = set(re.findall(r"\bwords\.(\w+)", scripts))
        asked |= {f"versus_{name}" for name in ("previous", "year", "target")} | {"good", "bad"}
        python = "".join(
            (folder / name).read_text(encoding="utf-8") for name in ("encode.py", "templates/cockpit.html.j2")
        )
        elsewhere = set(re.findall(r"js\.(\w+)", python))
        there = set(catalogues["fr"]["js"])
        assert asked <= there
        assert there - asked - elsewhere == set()

    def test_french_spaces_do_not_break(self, catalogues: dict[str, dict[str, dict[str, str]]]) -> None:
        texts = [text for section in catalogues["fr"].values() for text in section.values()]
        assert not [text for text in texts if re.search(r" [:;?!%»]|« ", text)]
        assert not [text for text in texts if "'" in text]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


class TestData:
    def test_it_holds_what_was_computed(self, troubled: Cockpit, pages: dict[str, str]) -> None:
        data = data_of(pages["fr"])
        assert data["newest"] == "2026-11-22"
        assert [grain["key"] for grain in data["grains"]] == ["day", "week", "four_weeks", "month"]
        sales = troubled.series["week"]["net_sales"].total
        places_told = data["kpis"]["net_sales"]["series"]["week"]["total"].split(",")
        scale = data["kpis"]["net_sales"]["scales"][0]
        for value, text in zip(sales, places_told, strict=False):
            assert value is not None
            if value.numerator is not None:
                assert int(text) == value.numerator.scaleb(scale)
            else:
                assert text == "h"

    def test_numbers_are_the_same_in_both_languages(self, pages: dict[str, str]) -> None:
        french, english = (data_of(pages[language]) for language in LANGUAGES)
        for key, kpi in french["kpis"].items():
            for grain in ("day", "week", "four_weeks", "month"):
                series = [one["kpis"][key]["series"][grain] for one in (french, english)]
                assert series[0]["total"] == series[1]["total"]
                assert series[0].get("cuts") == series[1].get("cuts")
            assert kpi["name"] and kpi["definition"]
