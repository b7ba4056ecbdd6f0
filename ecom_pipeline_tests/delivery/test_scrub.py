from __future__ import annotations

import base64

import pytest

from ecom_pipeline.delivery.scrub import MAX_WORDS, scrub_words


@pytest.mark.parametrize(
    ("words", "clean"),
    [
        ("5.1.1 <marie@atelier.example>: no such user", "5.1.1 <<address>>: no such user"),
        ("bounce+marie=atelier@relay.example refused", "<address> refused"),
        ("user PASSWORD1 unknown", "user <hidden> unknown"),
        (f"AUTH {base64.b64encode(b'password1').decode()} bad", "AUTH <hidden> bad"),
        (f"AUTH {base64.b64encode(b'password1').decode().rstrip('=')} bad", "AUTH <hidden> bad"),
        (b"caf\xe9 plein\r\nencore\x07", "caf\ufffd plein encore"),
        ("ab is in cabbage", "<hidden> is in cabbage"),
        ("", ""),
    ],
)
def test_words_are_cleaned_and_kept(words: str | bytes, clean: str) -> None:
    assert scrub_words(words, ("password1", "ab", "")) == clean


def test_a_secret_is_removed_before_the_words_are_cut() -> None:
    words = "x" * (MAX_WORDS - 4) + " password1"
    cut = scrub_words(words, ("password1",))
    assert len(cut) == MAX_WORDS and "pas" not in cut
