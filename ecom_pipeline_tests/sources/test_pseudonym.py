"""One person is one pseudonym, and nobody can tell whose without the key."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_pipeline.sources.pseudonym import pseudonym

KEY = b"key"


def test_it_is_the_keyed_hash_of_the_address() -> None:
    expected = hmac.new(KEY, b"jane@example.org", hashlib.sha256).hexdigest()[:32]
    assert pseudonym("jane@example.org", KEY) == expected
    assert pseudonym("jane@example.org", b"other") != expected


@pytest.mark.parametrize("typed", [" Jane@Example.ORG", "jane@example.org\n", "JANE@EXAMPLE.ORG"])
def test_spaces_and_case_do_not_matter(typed: str) -> None:
    assert pseudonym(typed, KEY) == pseudonym("jane@example.org", KEY)


def test_the_unicode_form_does_not_matter() -> None:
    composed, decomposed = "hélène@example.fr", unicodedata.normalize("NFD", "HÉLÈNE@example.fr")
    assert composed.upper() != decomposed
    assert pseudonym(composed, KEY) == pseudonym(decomposed, KEY)


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_without_an_address_there_is_no_pseudonym(nothing: str | None) -> None:
    assert pseudonym(nothing, KEY) is None


@given(st.emails(), st.emails())
def test_different_people_have_different_pseudonyms(one: str, other: str) -> None:
    same = one.strip().lower() == other.strip().lower()
    assert (pseudonym(one, KEY) == pseudonym(other, KEY)) == same
