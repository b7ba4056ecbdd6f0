"""Writes any name with the letters of the bundled typeface, so that a PDF never depends on a machine's own fonts.

A letter the typeface lacks would be taken from whatever font the machine has, or be drawn as an empty glyph,
which PDF/UA forbids. Products and campaigns are named with emoji, decorated letters and other scripts.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import as_file, files

from fontTools.ttLib import TTFont

FONTS = {"400": "Inter-Regular.woff2", "600": "Inter-SemiBold.woff2"}
PLACEHOLDER = "□"
_INVISIBLE = {"\t", "\n", "\r"}
# Symbols and emoji, marks and joiners that only change the letter before them: without them the name still reads.
_DECORATION = {"So", "Sk", "Mn", "Me", "Cf", "Co", "Cn", "Cs", "Cc"}


def write_with_bundled_font(text: str) -> str:
    """The text in letters the bundled typeface has.

    A missing letter becomes its plain form (𝗕 is B, ﬁ is fi, ǆ is dž), emoji vanish, and a letter of a script the
    typeface does not write becomes □.
    """
    missing = set(text) - _covered() - _INVISIBLE
    return text.translate({ord(character): _replace(character) for character in missing}) if missing else text


@cache
def _covered() -> frozenset[str]:
    """The characters that every weight has."""
    folder = files("ecom_pipeline.reports") / "fonts"
    found: list[set[str]] = []
    for name in FONTS.values():
        with as_file(folder / name) as path, TTFont(path) as font:
            found.append({chr(code) for code in font.getBestCmap()})
    return frozenset(set.intersection(*found))


@cache
def _replace(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    if set(plain) <= _covered():
        return plain
    letters = "".join(one for one in unicodedata.normalize("NFKD", character) if one in _covered())
    if letters:
        return letters
    return "" if unicodedata.category(character) in _DECORATION else PLACEHOLDER
