"""Renders a report's page as an accessible PDF (PDF/UA-1) that is the same bytes every time."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weasyprint import HTML
from weasyprint.document import Document
from weasyprint.urls import URLFetcher

from ecom_pipeline.errors import EcomError
from ecom_pipeline.files import replace_file
from ecom_pipeline.reports.glyphs import write_with_bundled_font
from ecom_pipeline.reports.tags import complete_tags

END_OF_PAGE_ONE = "<!-- end of page one -->"
_SETTINGS = (
    "comfortable",
    "close",
    "dense",
)  # how closely a page is set: the first that keeps page one to itself
_VARIANT = "pdf/ua-1"


class ForbiddenAddress(EcomError):
    """A page asked for something outside itself."""


class InlineOnly(URLFetcher):  # type: ignore[misc]
    """Opens `data:` addresses and nothing else: a page made of other people's names must not fetch or read."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
        if not url.startswith("data:"):
            raise ForbiddenAddress(
                f"The report may not open {url[:60]!r}.", mend="Put what it needs inside it."
            )
        return super().fetch(url, headers)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave garbage where it is: nearly all of a layout lives until it is written, and searching it costs an eighth."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


@_without_collecting()
def render_pdf(html: str, path: Path) -> str:
    """Write the page as PDF and return its SHA-256. A reader of `path` sees the old file or the whole new one.

    A page one that runs over onto the next is set more closely: it is to decide alone.
    """
    for setting in _SETTINGS:
        page = html.replace(f'<body class="{_SETTINGS[0]}">', f'<body class="{setting}">', 1)
        if not _runs_over(page):
            break
    document = _lay_out(page)
    content = document.write_pdf(pdf_variant=_VARIANT, finisher=complete_tags)
    assert content is not None
    replace_file(path, content)
    return hashlib.sha256(content).hexdigest()


def _lay_out(html: str) -> Document:
    page = HTML(string=write_with_bundled_font(html), url_fetcher=InlineOnly(), base_url=None)
    return page.render(pdf_variant=_VARIANT)


def _runs_over(html: str) -> bool:
    """Whether page one alone, without what follows, takes more than a page."""
    page_one, end, _ = html.partition(END_OF_PAGE_ONE)
    return bool(end) and len(_lay_out(f"{page_one}</body></html>").pages) > 1
