"""Both languages can say everything the other can."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.kpis.definition import FAMILY_ORDER
from ecom_pipeline.kpis.values import State
from ecom_pipeline.reports.formats import LANGUAGES
from ecom_pipeline.reports.words import load_words


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    french, english = load_words("fr").texts, load_words("en").texts
    assert sorted(french) == sorted(english)
    assert [key for key in french if _placeholders(french[key]) != _placeholders(english[key])] == []
    assert [key for key, text in {**french, **english}.items() if not text.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_family_and_every_absence_has_words(language: str) -> None:
    words = load_words(language)
    assert all(words.get(f"family.{family}") for family in FAMILY_ORDER)
    assert all(words.get(f"state.{state.value}") for state in State if state is not State.OK)


def test_french_sets_its_colons_apart() -> None:
    assert [
        text for text in load_words("fr").texts.values() if re.search(r"[^\u00a0\u202f][:;?!%]", text)
    ] == []


def test_plurals_follow_the_language() -> None:
    assert load_words("fr").count("note.provisional", 0) == load_words("fr").say("note.provisional.one")
    assert load_words("fr").count("banner.kpis", 1) == load_words("fr").say("banner.kpis.one")
    assert "2" in load_words("en").count("banner.kpis", 2)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(DefinitionError, match="'de'"):
        load_words("de")
