"""Shows a report as a picture: for the asset in Dagster's UI, and for people who look before they open a PDF."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdfium2
from PIL import Image

from ecom_pipeline.errors import EcomError

_COLOURS = 256


class UnreadablePdf(EcomError):
    """A file that should be a report's PDF cannot be opened as one."""


def render_first_page(pdf: Path, width: int) -> bytes:
    """The PDF's first page as a PNG `width` pixels wide, the same bytes for the same file.

    Raises:
        UnreadablePdf: there is no such file, it is no PDF, or it has no page.
    """
    try:
        with pypdfium2.PdfDocument(pdf) as document:
            page = document[0]
            # PDFium rounds the picture's size up; just below the width asked for is exactly that width.
            scale = (width - 0.01) / page.get_width()
            picture = page.render(scale=scale, draw_annots=False).to_pil()
    except (OSError, IndexError, pypdfium2.PdfiumError) as error:
        raise UnreadablePdf(
            f"{pdf} cannot be opened as a PDF.",
            why=str(error),
            mend="Render the report again: materialise its asset, or run `ecom-pipeline report`.",
        ) from error
    return _pack(picture)


def _pack(picture: Image.Image) -> bytes:
    """A PNG with a palette, a third of the size in true colour."""
    with BytesIO() as packed:
        # The median cut would spend its colours on the edges of letters, and turn the few red marks brown.
        method = Image.Quantize.MAXCOVERAGE
        few = picture.convert("RGB").quantize(_COLOURS, method, dither=Image.Dither.NONE)
        few.save(packed, "PNG", optimize=True)
        return packed.getvalue()
