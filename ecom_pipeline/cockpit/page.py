"""What stands around a cockpit's data: styles, scripts, fonts, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import io
from functools import cache
from importlib.resources import files

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SCRIPTS = (
    "exact", "formats", "drivers", "model", "dom", "marks", "chart", "view", "controls", "table", "detail", "csv",
    "dialogs", "main",
)  # fmt: skip
STYLES = ("base", "layout", "tables", "marks", "media")
_FONTS = {"400": "Inter-Regular.woff2", "600": "Inter-SemiBold.woff2"}
# What French and English are written with; a name in another script falls back to the reader's own fonts.
_CHARACTERS = (
    *range(0x20, 0x7F), *range(0xA0, 0x180), 0x2009, 0x202F, *range(0x2010, 0x2015), 0x2018, 0x2019, 0x201C, 0x201D,
    0x2026, 0x2039, 0x203A, 0x20AC, 0x2082, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2264, 0x2265, 0x25B2, 0x25BC,
)  # fmt: skip
_FEATURES = ("kern", "ccmp", "locl", "mark", "mkmk", "tnum", "lnum", "case")


@cache
def script() -> str:
    """All scripts as one, closed to the outside."""
    folder = files("ecom_pipeline.cockpit") / "static"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def style() -> str:
    """All styles as one, fonts inside."""
    folder = files("ecom_pipeline.cockpit") / "static"
    parts = [(folder / f"{name}.css").read_text(encoding="utf-8") for name in STYLES]
    return "\n".join([*(_face(weight, name) for weight, name in _FONTS.items()), *parts])


def policy() -> str:
    """The content security policy: this very style and script, fonts and pictures from within, no network at all."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style())}'",
            f"script-src '{_hash(script())}'",
            "font-src data:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _face(weight: str, name: str) -> str:
    data = base64.b64encode(_subset(name)).decode("ascii")
    return (
        f"@font-face{{font-family:Inter;font-weight:{weight};font-display:block;"
        f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
    )


def _subset(name: str) -> bytes:
    """The report's own font, cut down to the characters that are used here."""
    source = (files("ecom_pipeline.reports") / "fonts" / name).read_bytes()
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    subsetter = Subsetter(Options(layout_features=list(_FEATURES), hinting=False, notdef_outline=True))
    subsetter.populate(unicodes=_CHARACTERS)
    subsetter.subset(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
